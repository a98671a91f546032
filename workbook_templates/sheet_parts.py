"""The parts of sheets that all templates share: headings, figures, spilled lists, bars."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell

from kpi_xl.cells import Block
from kpi_xl.ooxml.addresses import quoted
from kpi_xl.units import KEY, MONEY, TEXT, Unit

from .amounts import CENTS_UNTIL
from .records import Figure, Problem, Spill
from .writing import (
    BAR,
    HEAT,
    Book,
    Headline,
    Page,
    ifs,
)


def named(page: Page, problem: Problem) -> str:
    """What a problem is called in the workbook's language."""
    return page.book.say(problem.label, table=page.book.names.get(problem.table, ""))


def headline(page: Page, title: str, lead: str, column: int = 0) -> None:
    """A sheet's title and the line under it."""
    page.sheet.set_row(0, 30)
    page.write(0, column, title, page.styles.title())
    page.write(1, column, lead, page.styles.lead())


def section(page: Page, row: int, first: int, last: int, title: str) -> None:
    """A heading with a line across some columns."""
    page.write(row, first, title, page.styles.heading())
    for column in range(first + 1, last + 1):
        page.sheet.write_blank(row, column, None, page.styles.heading())


def paragraphs(page: Page, row: int, columns: tuple[int, int], texts: Iterable[str]) -> int:
    """Texts below each other, across some columns and three rows each. Returns the row below."""
    for words in texts:
        page.sheet.merge_range(row, columns[0], row + 2, columns[1], "", page.styles.text())
        page.write(row, columns[0], words, page.styles.text())
        row += 3
    return row


def header_row(
    page: Page, row: int, first: int, headers: Sequence[str], text: Sequence[int] = ()
) -> None:
    """The header of a table: the first and those named in `text` over text, others over numbers.

    It has room for two lines, which some language needs nearly everywhere, or more.
    """
    deep = max(
        lines(page.book.say(header), width_of(page, first + place))
        for place, header in enumerate(headers)
        if header
    )
    page.sheet.set_row(row, 16 * max(deep, 2))
    for place, header in enumerate(headers):
        align = "start" if place in (0, *text) else "right"
        style = page.styles.header(align=align, text_wrap=True, valign="bottom")
        if header:
            page.write(row, first + place, header, style)
        else:
            page.sheet.write_blank(row, first + place, None, style)


def figures(page: Page, row: int, column: int, title: str, records: Sequence[Figure]) -> int:
    """Figures below each other: label, number, meaning. Returns the row after them."""
    styles = page.styles
    section(page, row, column, column + 2, title)
    for figure in records:
        row += 1
        page.write(row, column, figure.label, styles.label(shrink=True))
        # A name that is cut at its beginning says nothing.
        small = {"shrink": True} if figure.unit is TEXT else {}
        bold = styles.number(figure.unit, bold=True, align="right", **small)
        page.put_named(row, column + 1, figure.name, figure.formula, bold)
        if figure.instead:
            condition, text = figure.instead
            phrase = page.book.phrase(text)
            meant = page.book.phrase(figure.meaning) if figure.meaning else '""'
            page.put(row, column + 2, f"=IF({condition},{phrase},{meant})", styles.lead(indent=1))
        elif figure.meaning:
            page.write(row, column + 2, figure.meaning, styles.lead(indent=1))
        place = page.name, row + 1, column + 2
        page.book.headlines.append(Headline(page.book.say(figure.label), place, figure.unit))
    return row + 1


def blank_if(conditions: str | Sequence[str], formula: str) -> str:
    """A formula that shows nothing where a condition holds; an error of its own it does show.

    Of several conditions each is looked at only where those before it do not hold.
    """
    listed = [conditions] if isinstance(conditions, str) else conditions
    return "=" + ifs([(condition, '""') for condition in listed], formula.removeprefix("="))


def mirror(
    page: Page,
    top: int,
    source: Page,
    source_top: int,
    source_column: int,
    rows: int,
    width: int,
    formats: Sequence[Format],
    none: str = "",
) -> None:
    """Show a spilled table cell by cell, header and all, in fixed cells that charts can draw.

    Viewers without our functions keep the values of these plain formulas, but compute spilling
    ones anew. Where the condition `none` holds there is nothing to show, and the header is blank.
    """
    styles = page.styles
    head = [styles.header("0", align="start"), styles.header("0", align="center")]
    for i in range(rows):
        for j in range(width):
            cell = xl_rowcol_to_cell(source_top + i, source_column + j)
            cell = f"{quoted(source.name)}!{cell}"
            style = head[min(j, 1)] if i == 0 else formats[min(j, len(formats) - 1)]
            shown = same_as(cell) if i else f'=IF({cell}="","",{cell})'
            page.put(top + i, j, blank_if(none, shown) if none and not i else shown, style)


def same_as(cell: str) -> str:
    """A formula that shows a cell of a spilled table; one that has no value shows as a dot.

    A viewer without our functions computes a formula anew that holds no value but "".
    """
    return f'=IF(ISBLANK({cell}),"",IF({cell}="","·",{cell}))'


def put_spills(
    page: Page, top: int, spills: Iterable[Spill], given: Mapping[str, Block] | None = None
) -> None:
    """Tables that formulas spill on the sheet Model, each under its title, and names over them.

    `given` are the tables that were computed elsewhere, by their titles.
    """
    styles = page.styles
    own = {KEY: styles.label(bold=True), TEXT: styles.label()}
    for spill in spills:
        reach, head = spill.reach, styles.header("0")
        looks = [own[unit] if unit in own else styles.number(unit) for unit in spill.units]
        if spill.title:
            page.write(top - 1, spill.column, spill.title, styles.heading())
        if given is None:
            page.spill(top, spill.column, blank_if(spill.blank, spill.formula), head, looks)
        else:
            block = page.state(top, spill.column, given.get(spill.title, [[""]]), head, looks)
            reach = len(block) - 1 if spill.title in given else reach
        for column, name in enumerate(spill.names, start=spill.column):
            if name:
                page.define(name, top + 1, column, top + reach, column)
        if spill.done:
            first = page.at(top, spill.column)
            if spill.whole:
                first = f'IF({page.at(top + reach + 1, spill.column)}="",{first},"")'
            done(page, spill.done, top - 2, spill.column, first)


def done(page: Page, name: str, row: int, column: int, table: str) -> None:
    """Name a cell that is 1 where a spilled table is there, 0 where it is blank or #N/A: too few
    data. `table` is the address of its first cell; any other error in it is an error here, too.
    """
    page.put(row, column, f'=IF(ISNA({table}),0,IF({table}="",0,1))', page.styles.lead())
    page.define(name, row, column)


def warn_of_more(
    page: Page,
    row: int,
    column: str,
    room: int,
    name: str,
    across: tuple[str, int] | None = None,
) -> None:
    """Say how many rows a spilled column has more than a sheet shows; the sheet Model has them all.

    `across`: the spilled header of a table that grows to the right, and how many columns are shown.
    The cell has a name, by which the setting that made them so many says it, too.
    """
    phrase = [more_than("rows", f"COUNTA({column})", room, page.book)]
    if across:
        phrase.append(more_than("columns", f"COUNTA({across[0]})", across[1], page.book))
    (rows, first), *others = phrase
    formula = f'IF({rows}>0,{first},"")'
    for columns, text in others:
        formula += f'&IF({columns}>0,IF({rows}>0,"; ","")&{text},"")'
    page.put(row, 0, f"={formula}", page.styles.warning())
    page.define(name, row, 0)


def more_than(
    what: str, count: str, room: int, book: Book, sheet: str = "Model"
) -> tuple[str, str]:
    """How many rows or columns there are more than there is room for, and what says it.

    `sheet` has them all.
    """
    missing = f"{count}-{room}"
    return missing, book.phrase(
        f"{{missing}} {what} more than there is room for here: see the sheet {{sheet}}",
        {"missing": f'TEXT({missing},"#,##0")'},
        sheet=book.names[sheet],
    )


def no_bars(page: Page, place: tuple[int, int, int, int], condition: str) -> None:
    """No bars in the rows of a block for which a condition holds; to be said before `bars`.

    The condition is that of the first row, with addresses whose rows are relative.
    """
    rule = {"type": "formula", "criteria": f"={condition}", "stop_if_true": True}
    page.sheet.conditional_format(*place, rule)


def bars(page: Page, *place: int) -> None:
    """Bars behind the numbers of a block."""
    look = {"type": "data_bar", "bar_color": BAR, "bar_solid": True, "min_type": "num"}
    if page.book.right_to_left:
        look["bar_direction"] = "right"
    page.sheet.conditional_format(*place, {**look, "min_value": 0})


def heat(page: Page, *place: int) -> None:
    """A block as a heat map, from 0."""
    look = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": HEAT}
    page.sheet.conditional_format(*place, {**look, "min_type": "num", "min_value": 0})


def best_and_worst(
    page: Page, place: tuple[int, int, int, int], unit: Unit, *, low: bool, of: int
) -> None:
    """Mark the best and the worst number of a column, by a sign and a colour.

    `low`: the lowest is the best, as with costs. Where two are printed alike, none is the best.
    `of` is a column beside it that says of how many cases each number is, of fewer than ten it is
    neither; -1 where there is none.
    """
    digits = decimals(unit)
    whole, cell = xl_range_abs(*place), xl_rowcol_to_cell(place[0], place[1])
    for extreme, best in (("MIN", low), ("MAX", not low)):
        sign, ink, ground = ("★", "#00523B", "#D9F0E8") if best else ("▼", "#8A3B00", "#FBE3D3")
        look = {"bold": True, "font_color": ink, "bg_color": ground}
        first, second = (f"ROUND({name}({whole},{n}),{digits})"
                         for name in ("SMALL" if extreme == "MIN" else "LARGE",)
                         for n in (1, 2))  # fmt: skip
        # With a single number there is no second one: the error is no mark either.
        rule = f"AND(ISNUMBER({cell}),ROUND({cell},{digits})={first},{first}<>{second})"
        if of >= 0:
            counts = f'({xl_range_abs(place[0], of, place[2], of)}>=10)*({whole}<>"")'
            near = f"<{cell}+0.5*10^-{digits}" if extreme == "MIN" else f">{cell}-0.5*10^-{digits}"
            mine = xl_rowcol_to_cell(place[0], of, col_abs=True)
            rule = (
                f"AND(ISNUMBER({cell}),N({mine})>=10,SUMPRODUCT({counts})>1,"
                f"SUMPRODUCT({counts}*({whole}{near}))=1)"
            )
        forms = {page.styles.form(unit): rule}
        if unit is MONEY:
            forms = {page.styles.money.whole: f"AND(ABS(N({cell}))>={CENTS_UNTIL},{rule})"} | forms
        for form, condition in forms.items():
            page.mark(place, condition, {**look, "num_format": signed(sign, form)})


def signed(sign: str, form: str) -> str:
    """A number format with a sign before the numbers; before their minus, too."""
    above, *below = form.split(";")
    pieces = above, below[0] if below else f"-{above}"
    return ";".join(f'"{sign} "{piece}'.replace(' ""', " ") for piece in pieces)


def decimals(unit: Unit) -> int:
    """To how many decimals a number of a unit is printed; a percentage has two more."""
    return unit.number_format.partition(".")[2].count("0") + 2 * ("%" in unit.number_format)


def printed_alone(cells: str, extreme: str, unit: Unit) -> str:
    """The condition that no other number of some cells is printed as the MIN or MAX of them is.

    A single number is neither the best nor the worst.
    """
    order = "SMALL" if extreme == "MIN" else "LARGE"
    first, second = (f"ROUND({order}({cells},{n}),{decimals(unit)})" for n in (1, 2))
    return f"IF(COUNT({cells})<2,FALSE,{first}<>{second})"


def wide(text: str) -> int:
    """How many narrow letters a text is wide: Chinese ones count two, marks without width none."""
    return sum(
        1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
        if unicodedata.category(letter) not in ("Cf", "Mn")
    )


def widen(page: Page, column: int, least: float, texts: Iterable[str]) -> None:
    """Make a column so wide at least, and wide enough for each of its texts, as they are shown."""
    page.sheet.set_column(column, column, max(least, max(map(wide, texts)) + 1))


def width_of(page: Page, column: int) -> float:
    """How wide a column is, in letters; XlsxWriter keeps pixels."""
    known = page.sheet.col_info.get(column)
    return (known.width - 5) / 7 if known else 8.43


WORD = re.compile(r"[\u3000-\u9fff\uff00-\uffef]|[^\s\u3000-\u9fff\uff00-\uffef]+\s*")
"""What a line is broken between: words, and Chinese letters."""


def lines(text: str, width: float) -> int:
    """How many lines a text takes in a cell of a width, in letters."""
    count = 0
    for part in text.split("\n"):
        count, used = count + 1, 0
        for word in WORD.findall(part):
            if used and used + wide(word.rstrip()) > width:
                count, used = count + 1, 0
            used += wide(word)
    return count
