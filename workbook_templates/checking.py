"""The sheet Checks: what the data lack, and figures that are computed twice."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from xlsxwriter.utility import xl_col_to_name, xl_range_abs, xl_rowcol_to_cell

from kpi_xl.ooxml.addresses import LAST_ROW, quoted
from kpi_xl.reports import layout
from kpi_xl.schema import Input
from kpi_xl.serials import FIGURED_FROM, FIGURED_UNTIL
from kpi_xl.units import COUNT, DATE, KEY

from .records import ASIDE, ASIDE_TEXTS, FIRST_ROW, HEADER, NOWHERE, Agreement, Problem
from .setting_cells import WRONG_SETTINGS, wrong_settings
from .sheet_parts import blank_if, header_row, headline, named, section, widen
from .writing import (
    WARN,
    Page,
    ProblemPlace,
    ifs,
    literal,
)

Item = TypeVar("Item")
NESTED = 25  # conditions within each other, of which Excel takes 64

FOUND = Problem(
    "Found when the data were loaded or checked",
    f"=MAX({layout.FINDING_COUNT},COUNTA({layout.FINDINGS}))",
    "",
    "They are listed at the end of this sheet.",
)
"""The problem that every template has: its list is the report's to write."""


def left_below(page: Page, table: Input) -> Problem:
    """The problem that rows stand below a table, where no formula counts them."""
    name, last = quoted(page.book.names[table.name]), LAST_ROW
    counts = ",".join(
        f"COUNTA({name}!{xl_range_abs(HEADER, place, last - 1, place)})-1-COUNTA({cells})"
        for place, cells in enumerate(f"{table.name}[{one.name}]" for one in table.columns)
    )
    first = table.columns[0].name
    return Problem(
        "Rows below the table {table}, not counted",
        f"=MAX({counts})",
        f"=ROW({table.name}[[#Headers],[{first}]])+ROWS({table.name}[{first}])+1",
        "Draw the table's lower corner down over them, or move them elsewhere.",
        table.name,
    )


def has_text(columns: Iterable[str]) -> str:
    """The condition, in formulas, that a text stands among the numbers of some columns."""
    columns = list(columns)
    return "{}>{}".format(
        *("+".join(f"{count}({cells})" for cells in columns) for count in ("COUNTA", "COUNT"))
    )


SPACES = " \u00a0\u3000"
"""Those that a name may have at its ends: that of the keyboard, one of web pages, a wide one."""


def padded(cells: str, spaces: str = SPACES) -> str:
    """The formula for how many names of a column have a space before or after them."""
    patterns = (pattern for space in spaces for pattern in (f"*{space}", f"{space}*"))
    return "+".join(f'COUNTIF({cells},"{pattern}")' for pattern in patterns)


TEXTS = "Texts in place of numbers or dates in {table}"


def texts(page: Page, table: Input) -> Problem:
    """The problem that texts stand where a table has numbers or dates; its first cell."""
    columns = {name: f"{table.name}[{name}]" for name in table.numeric}
    return Problem(
        TEXTS,
        "=COUNTA({0})-COUNT({0})".format(",".join(columns.values())),
        first_cell(table, (
            (name, has_text([cells]), f'IF(COUNTIF({cells},"*")=0,{NOWHERE},MATCH("*",{cells},0))')
            for name, cells in columns.items()
        )),
        "Type them anew, as numbers or dates: until then figures over them show an error, or"
        " nothing.",
        table.name,
    )  # fmt: skip


def other_years(page: Page, table: Input) -> Problem | None:
    """The problem that days are in years that no data are of, or more than a year from all others.

    The latter is asked of the days that every row has: an end may be long after all others. Of
    weeks a template tells itself which are years away from the middle: those are in no figure.
    """
    early, late = f'COUNTIF({{0}},"<{FIGURED_FROM}")', f'COUNTIF({{0}},">={FIGURED_UNTIL + 1}")'
    after = f"IF(COUNT({{0}})<3,0,(LARGE({{0}},1)-LARGE({{0}},2)>{YEAR})*1)"
    before = f"IF(COUNT({{0}})<3,0,(SMALL({{0}},2)-SMALL({{0}},1)>{YEAR})*1)"
    some = f"IF({early}+{late}>0,{early}+{late},{after}+{before})"
    columns = [one.name for one in table.columns if one.unit is DATE and not one.weekly]
    return wrong_cells(
        "Days that may be of a wrong year in {table}",
        table,
        {name: some if name == table.counted else f"{early}+{late}" for name in columns},
        f"IF({early}>0,{farthest('MIN')},IF({late}+{after}>0,{farthest('MAX')},{farthest('MIN')}))",
        "Before 1990, after 2099, or more than a year from all others: correct the year, if it is"
        " wrong.",
    )


YEAR = 366  # days


def below_0(page: Page, table: Input) -> Problem | None:
    """The problem that numbers are below 0 which are counts or costs; the first cell."""
    return wrong_cells(
        "Numbers below 0 in {table}",
        table,
        {one.name: 'COUNTIF({0},"<0")' for one in table.columns if one.at_least_0},
        farthest("MIN"),
        "Correct them: a count is 0 or more. Costs that were given back may stay.",
    )


def no_names(page: Page, table: Input) -> Problem | None:
    """The problem that a table has nothing of a name where it has names; the column."""
    # In Calc, "*" is like numbers and errors, too, which would make it less than 0.
    wrong = 'MAX(0,COUNTA({0})-COUNT({0})-COUNTIF({0},"*"))+COUNTIF({0}," ")'
    return wrong_cells(
        "Errors or spaces in place of names in {table}",
        table,
        {one.name: wrong for one in table.columns if one.unit is KEY},
        NOWHERE,
        "Errors, TRUE, FALSE and spaces alone are no names: type them anew.",
    )


def alike(page: Page, table: Input) -> Problem | None:
    """The problem that names differ in so little that they may be one; the first two."""
    names = [table.alike_in(one.name) for one in table.columns if one.alike]
    if not names:
        return None
    return Problem(
        "Names written in several ways in {table}",
        f"={'+'.join(names)}",
        f"={ifs((f'N({name})>0', f'{name}_first') for name in names)}",
        "They differ in capitals, spaces, dots or forms of letters alone. Are they one? Then write"
        " them alike.",
        table.name,
    )


def farthest(extreme: str) -> str:
    """The formula for the place of the least or the greatest number of a column, {0}."""
    return f"MATCH({extreme}({{0}}),{{0}},0)"


def wrong_cells(
    label: str, table: Input, counts: Mapping[str, str], place: str, advice: str
) -> Problem | None:
    """The problem that columns have cells that they cannot have; None where there is no such one.

    `counts` are formulas for how many, by column, `place` one for where the first is; each over the
    column, {0}.
    """
    if not counts:
        return None
    found = {name: count.format(f"{table.name}[{name}]") for name, count in counts.items()}
    cases = (
        (name, f"{count}>0", place.format(f"{table.name}[{name}]")) for name, count in found.items()
    )
    return Problem(label, f"={'+'.join(found.values())}", first_cell(table, cases), advice,
                   table.name)  # fmt: skip


def first_cell(table: Input, cases: Iterable[tuple[str, str, str]]) -> str | tuple[str, ...]:
    """Formulas for the address of the first wrong cell of the first column that has any.

    A case is a column's name, the condition that it has one, and that one's place in it. Where that
    is NOWHERE, the whole column is said, as K:K.
    """
    letters = {column.name: xl_col_to_name(place) for place, column in enumerate(table.columns)}
    pieces = []
    for some in batched(cases, NESTED):
        found = []
        for name, condition, place in some:
            row = f"ROW({table.name}[[#Headers],[{name}]])+{place}"
            row = f'IF({place}={NOWHERE},":{letters[name]}",{row})'
            found.append((condition, f'"{letters[name]}"&{row}'))
        pieces.append(f"={ifs(found)}")
    return pieces[0] if len(pieces) == 1 else tuple(pieces)


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Items in lists of a size, the last one perhaps shorter."""
    left = iter(items)
    while some := list(islice(left, size)):
        yield some


def checks(page: Page, agreements: Sequence[Agreement], problems: Sequence[Problem]) -> None:
    """What is wrong with the data, and the KPI functions held against native formulas.

    The name ProblemRows counts the former, Agreed says of each of the latter whether it agrees;
    FirstText is the first cell that is text where a number is wanted, behind its sheet's name.
    """
    say = page.book.say
    kinds: tuple[Callable[[Page, Input], Problem | None], ...]
    kinds = (left_below, texts, no_names, other_years, below_0, alike)
    shared = filter(None, (kind(page, table) for kind in kinds for table in page.book.inputs))
    problems = (*problems, *shared, wrong_settings(page.book))
    labels = [named(page, problem) for problem in problems] + [say(one.label) for one in agreements]
    widen(page, 0, 52, labels)
    page.sheet.set_column(1, 3, 18)
    widen(page, 4, 70, [say(problem.advice) for problem in problems])
    lead = "Problems of the data first; then figures computed twice, which must agree."
    headline(page, "Checks", lead)
    row = problem_rows(page, HEADER + 1, (*problems, FOUND))
    row = agreement_rows(page, row + 3, agreements) + 3
    section(page, row - 1, 0, 4, "Found when the data were loaded or checked")
    headers = ("where", "", "row", "", "what to do")
    header_row(page, row, 0, headers, text=(4,))
    page.sheet.write_blank(row, 1, None, page.styles.header("0"))
    page.define(layout.FINDING_COUNT, row, 1)
    names_alike(page, broken_columns(page))
    last = row + layout.FINDINGS_ROOM
    page.define(layout.FINDINGS, row + 1, 0, last, 0)
    page.sheet.freeze_panes(2, 0)
    page.sheet.print_area(0, 0, last + 1, 4)


def broken_columns(page: Page) -> int:
    """A cell for each column of numbers: 0, an error where text stands in it. It is not printed.

    Returns the row below.
    """
    row = HEADER + 1
    for table in page.book.inputs:
        for column in table.numeric:
            cells = f"{table.name}[{column}]"
            page.sheet.write_string(row, ASIDE_TEXTS, cells, page.styles.lead())
            formula = f"=IF({has_text([cells])},#VALUE!,0)"
            page.put(row, ASIDE_TEXTS + 1, formula, page.styles.lead())
            page.define(table.text_in(column), row, ASIDE_TEXTS + 1)
            row += 1
    return row


def names_alike(page: Page, row: int) -> None:
    """Two cells for each column of names: how many are like others, and the first such pair."""
    style = page.styles.lead()
    for table in page.book.inputs:
        for column in (one for one in table.columns if one.alike):
            cells, name = f"{table.name}[{column.name}]", table.alike_in(column.name)
            pairs = f"NAMES_ALIKE({column.alike.format(cells)})"
            page.sheet.write_string(row, ASIDE_TEXTS, cells, style)
            found = f"=IF(COUNTA({cells})=0,0,ROWS({pairs})-1)"
            page.put_array(row, ASIDE_TEXTS + 1, found, style)
            page.define(name, row, ASIDE_TEXTS + 1)
            pair = f'=IF(N({name})=0,"",INDEX({pairs},2,1)&" / "&INDEX({pairs},2,2))'
            page.put_array(row, ASIDE_TEXTS + 2, pair, style)
            page.define(f"{name}_first", row, ASIDE_TEXTS + 2)
            row += 1


WRONG = {"bold": True, "font_color": "#8A3B00", "bg_color": "#FBE3D3"}
"""How a cell looks that tells of something wrong."""


def problem_rows(page: Page, row: int, problems: Sequence[Problem]) -> int:
    """What is wrong with the data, from a header on. Returns the last row."""
    styles = page.styles
    section(page, row - 1, 0, 4, "The data")
    header_row(page, row, 0, ("problem", "how many", "first in row", "", "what to do"), text=(4,))
    for problem in problems:
        row += 1
        page.sheet.write_string(row, 0, named(page, problem), styles.label())
        page.put(row, 1, counted(problem.found), styles.number(COUNT, bold=True))
        first_row = problem.first
        if isinstance(first_row, tuple):
            for place, piece in enumerate(first_row, start=ASIDE):
                page.put_array(row, place, piece, styles.lead())
            places = (xl_rowcol_to_cell(row, ASIDE + n) for n in range(len(first_row)))
            first_row = ifs((f'{cell}<>""', cell) for cell in places)
        if first_row:
            put = page.put_array if FIRST_ROW in first_row else page.put
            formula = blank_if(f"{xl_rowcol_to_cell(row, 1)}=0", first_row)
            put(row, 2, formula, styles.of("0", align="right"))
            if problem.label == WRONG_SETTINGS:
                page.define("WrongSetting", row, 2)
        places = ((page.name, row + 1, column) for column in (2, 3))
        page.book.checks.append(ProblemPlace(named(page, problem), *places))
        page.write(row, 4, problem.advice, styles.lead())
    first = row - len(problems) + 1
    page.define("ProblemRows", first, 1, row, 1)
    first_text(page, first, problems)
    look = page.book.file.add_format({**WRONG, "num_format": '"▲ "0'})
    rule = {"type": "cell", "criteria": ">", "value": 0, "format": look}
    page.sheet.conditional_format(first, 1, row, 1, rule)
    return row


ONLY_COLUMNS = re.compile(r'"[^"]*"|COUNTA\([^)]*\)|\w+\[[^\]]*\]|[A-Z.]+\(')
"""Texts, what counts errors, too, columns of tables, and functions, in a formula."""
BESIDES_COLUMNS = re.compile("[A-Za-z]")


def counted(found: str) -> str:
    """How often there is a problem, for `status` to add up; 0 where nobody can know.

    What the sheets compute of a column is an error where text stands in it, which is told itself.
    """
    if not BESIDES_COLUMNS.search(ONLY_COLUMNS.sub("", found)):
        return found
    count = found.removeprefix("=")
    return f"=IF(ISNUMBER({count}),{count},0)"


def first_text(page: Page, first: int, problems: Sequence[Problem]) -> None:
    """The first cell that is text where a number is wanted, in a cell of that name."""
    cases = []
    for row, problem in enumerate(problems, start=first):
        if problem.label == TEXTS:
            sheet = quoted(page.book.names[problem.table])
            found, cell = (xl_rowcol_to_cell(row, column) for column in (1, 2))
            cases.append((f"{found}>0", f"{literal(sheet + '!')}&{cell}"))
    page.put(first - 2, 2, f"={ifs(cases)}", page.styles.warning())
    page.define("FirstText", first - 2, 2)


def agreement_rows(page: Page, row: int, agreements: Sequence[Agreement]) -> int:
    """Figures computed twice, from a header on. Returns the last row."""
    styles = page.styles
    section(page, row - 1, 0, 4, "Figures computed twice")
    header_row(page, row, 0, ("figure", "KPI function", "native formula", "agree?", ""))
    yes, no = map(page.book.phrase, ("✓ yes", "✗ no"))
    first = row + 1
    for agreement in agreements:
        row += 1
        page.write(row, 0, agreement.label, styles.label())
        page.put(row, 1, agreement.kpi, styles.number(agreement.unit))
        page.put(row, 2, agreement.native, styles.number(agreement.unit))
        kpi, native = xl_rowcol_to_cell(row, 1), xl_rowcol_to_cell(row, 2)
        same = f"ABS({kpi}-{native})<=0.000000001*(1+ABS({native}))"
        agree = f'IF({kpi}="",IF({native}="","",{no}),IF({native}="",{no},IF({same},{yes},{no})))'
        agree = f"=IF(ISERROR({kpi}),{no},IF(ISERROR({native}),{no},{agree}))"
        page.put(row, 3, agree, styles.of(bold=True, align="right"))
    page.define("Agreed", first, 3, row, 3)
    look = page.book.file.add_format(WRONG)
    rule = {"type": "cell", "criteria": "==", "value": no, "format": look}
    page.sheet.conditional_format(first, 3, row, 3, rule)
    return row


def where(table: Input, condition: str) -> tuple[str, str]:
    """Formulas for how many rows of a table meet a condition, and for the first one's sheet row.

    The condition is a product of columns' comparisons: (Leads[won_date]<>"")*(Leads[value]="").
    """
    column = f"{table.name}[{table.columns[0].name}]"
    header = f"ROW({table.name}[[#Headers],[{table.columns[0].name}]])"
    count = f"SUMPRODUCT({condition})"
    # In a single row there is nothing to search.
    first = f"=IF({count}=ROWS({column}),{header}+1,{header}+{FIRST_ROW}{condition},0))"
    return f"={count}", first


def spend_gaps(table: Input, without_month: str) -> tuple[Problem, ...]:
    """The problems that rows of spend lack what they cost, or their month, and what follows."""
    month, spend = (f'({table.name}[{column}]="")' for column in ("month", "spend"))
    return (
        Problem("Spend without an amount", *where(table, f"(1-{month})*{spend}"),
                "Enter what it cost, 0 if it was nothing: until then it counts as nothing."),
        Problem("Spend without a month", *where(table, f"{month}*(1-{spend})"), without_month),
    )  # fmt: skip


def status(page: Page, row: int, column: int, table: Input) -> None:
    """Say in one cell what is next: fill the table, look at the sheet Checks, or nothing."""
    book = page.book
    rows, figures = "SUM(ProblemRows)", f"COUNTIF(Agreed,{book.phrase('✗ no')})"
    wrong = book.phrase(
        "Rows of data to look at: {rows}; figures computed twice that do not agree: {figures}. See"
        " the sheet {Checks}.",
        {"rows": f'TEXT({rows},"#,##0")', "figures": f'TEXT({figures},"0")'},
    )
    first = '""'
    for cell, told in (
        ("FirstText", "{cell} is text, where a number or a date is wanted."),
        ("WrongSetting", "The setting in {cell} is empty or impossible."),
    ):
        first = f'IF({cell}="",{first},{book.phrase(told, {"cell": cell})}&" ")'
    fine = "The checks have found no problem in the data."
    if book.given and book.given.sampled == table.name:
        fine = book.given.fine
    cases = (
        ('MissingFunctions<>""', "MissingFunctions"),
        (f"{rows}+{figures}>0", f"{first}&{wrong}"),
        (table.empty, book.phrase("Nothing to show yet: fill the sheet {table}.",
                                  table=book.names[table.name])),
    )  # fmt: skip
    formula = f"={ifs(cases, book.phrase(fine))}"
    page.put(row, column, formula, page.styles.lead(), as_it_is=True)
    page.mark((row, column), f'IF(MissingFunctions<>"",TRUE,{rows}+{figures}>0)', WARN)
