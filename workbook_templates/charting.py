"""Charts and sparklines."""

from collections.abc import Sequence
from typing import Any, Literal

from xlsxwriter.chart import Chart
from xlsxwriter.utility import xl_rowcol_to_cell

from kpi_xl.units import COUNT, Unit

from .records import ASIDE_TEXTS, HEADER, Series
from .writing import (
    BAR,
    BLUE,
    COLOURS,
    INK,
    LINE,
    MUTED,
    NO_COLOUR,
    ORANGE,
    WARNING,
    Book,
    Page,
    literal,
)

MONTHS = "yyyy-mm"
MOST_MONTHS = 13  # whose names stand beside each other
MONTH_NAMES, MONTHS_AND_YEARS = "[$-409]mmm", "[$-409]mmm yy"
"""How charts write months, which tables write as MONTHS: by their names in the language; with the
year where there are more than a year has, and so one each quarter. A language has a number format,
or the twelve names: of Persian's, LibreOffice writes those of another calendar."""
BETWEEN_NAMES = "|"
MONTHS_ASIDE = ASIDE_TEXTS + 10  # the first column of Checks that has names of months


def name_months(page: Page, cells: Sequence[tuple[int, int]]) -> None:
    """Write the names of the months in some cells, where no number format has them.

    Each without its year, and beside it with its year.
    """
    book = page.book
    if (page.name, *cells[0]) in book.months or not (names := names_of_months(book)):
        return
    checks = book.pages["Checks"]
    columns = (column for _, _, column in book.months.values())
    column = max(columns, default=MONTHS_ASIDE - 2) + 2
    checks.write(HEADER, column, "What charts draw", checks.styles.lead())
    words = ",".join(map(literal, names))
    for row, place in enumerate(cells, start=HEADER + 1):
        cell, name = page.at(*place), xl_rowcol_to_cell(row, column)
        alone = f'=IF(ISNUMBER({cell}),CHOOSE(MONTH({cell}),{words}),{cell}&"")'
        dated = f'=IF(ISNUMBER({cell}),{name}&" "&RIGHT(YEAR({cell}),2),{name})'
        for beside, formula in enumerate((alone, dated)):
            checks.put(row, column + beside, formula, checks.styles.lead())
        book.months[page.name, *place] = checks, row, column


def names_of_months(book: Book) -> list[str]:
    """The names of the months, where the language has no number format for them."""
    names = book.say(MONTH_NAMES).split(BETWEEN_NAMES)
    return names if len(names) > 1 else []


def by_names(one: Series) -> Series:
    """A chart's numbers over the names of their months, where these are written in cells."""
    page, top, left, bottom, right = one.categories
    known = page.book.months
    first, last = known.get((page.name, top, left)), known.get((page.name, bottom, right))
    if first is None or last is None:
        return one
    checks, start, column = first
    column += last[1] - start >= MOST_MONTHS
    return one._replace(categories=(checks, start, column, last[1], column))


def draw(
    page: Page,
    kind: Literal["line", "column", "bar"],
    title: str,
    series: Sequence[Series],
    place: tuple[int, int, int, int],
    *,
    unit: Unit = COUNT,
    number_format: str = "",
    names_format: str = "General",
    stacked: bool = False,
    labels: bool = False,
    ends: bool = False,
    level: Series | None = None,
) -> None:
    """A chart of fixed blocks, in the quiet look of all charts, in the sheet's direction.

    `place` is the row and the column of its corner, its width and its height in pixels. Numbers
    are written as those of `unit`, unless by another `number_format`.
    `labels` writes the numbers at the bars and leaves their axis out; `ends` names each line at its
    last point, for few lines. `level` is drawn as a dashed line across columns, such as a target.
    """
    number_format = number_format or page.styles.form(unit)
    if names_format == MONTHS:
        series, level = [by_names(one) for one in series], level and by_names(level)
    options = {"type": kind} | ({"subtype": "stacked"} if stacked else {})
    chart = page.book.file.add_chart(options)
    for number, one in enumerate(series):
        colour = one.colour or COLOURS[number % len(COLOURS)]
        look = drawn(page, one)
        if kind == "line":
            look["line"] = {"color": colour, "width": 2.25}
            if len(series) == 1:
                plain = {"color": colour}
                look["marker"] = {"type": "circle", "size": 5, "fill": plain, "border": plain}
        else:
            fill = {"none": True} if colour == NO_COLOUR else {"color": colour}
            look |= {"fill": fill, "gap": 50}
        if labels and colour != NO_COLOUR:
            font = {"color": INK, "size": 9}
            look["data_labels"] = {"value": True, "num_format": number_format, "font": font}
        if ends:
            look["data_labels"] = named_at_end(one, colour, "below" if number % 2 else "above")
        chart.add_series(look)
    if level:
        across = page.book.file.add_chart({"type": "line"})
        line = {"color": level.colour or WARNING, "width": 2, "dash_type": "dash"}
        across.add_series(drawn(page, level) | {"line": line})
        chart.combine(across)
    formats = names_format, number_format
    step = one_in(series[0], names_format)
    style_chart(chart, page, title, kind, formats, labels, step)
    if ends and kind == "line":  # room for the names, which may stand at the edge
        chart.set_plotarea({"layout": {"x": 0.07, "y": 0.15, "width": 0.86, "height": 0.7}})
    if ends or (sum(one.colour != NO_COLOUR for one in series) == 1 and not level):
        chart.set_legend({"none": True})
    figures = [one.name for one in (*series, *filter(None, [level])) if one.colour != NO_COLOUR]
    insert(chart, page, place, described(page, kind, title, figures))


def named_at_end(one: Series, colour: str, side: str) -> dict[str, Any]:
    """The labels of a line that write its name at its last point alone.

    Two lines that end at one place have theirs on two sides.
    """
    _, top, left, bottom, right = one.values
    others: list[dict[str, Any]] = [{"delete": True}] * (bottom - top + right - left)
    font = {"color": colour, "size": 9, "bold": True}
    return {"series_name": True, "value": False, "position": side, "font": font,
            "custom": others}  # fmt: skip


def one_in(one: Series, names_format: str) -> int:
    """Each how many names of a chart are written: each quarter of many months, few of days."""
    _, top, left, bottom, right = one.categories
    count = bottom - top + right - left + 1
    return 1 if names_format != MONTHS or count <= MOST_MONTHS else max(3, count // 6)


def sparkline(page: Page, row: int, column: int, cells: str, **look: Any) -> None:
    """A figure's course in a cell as columns, the last and those below 0 in other colours.

    LibreOffice draws those of a sheet from right to left one cell too far to the right, over
    the figures there: such sheets have none.
    """
    if not page.book.right_to_left:
        colours = {"series_color": BAR, "last_color": BLUE, "negative_color": ORANGE}
        marks = {"last_point": True, "negative_points": True}
        look = {"range": cells, "type": "column", **colours, **marks, **look}
        page.sheet.add_sparkline(row, column, look)


CHARTS = {
    "bar": "Bar chart",
    "column": "Column chart",
    "line": "Line chart",
    "scatter": "Scatter chart",
}


def described(page: Page, kind: str, title: str, figures: Sequence[str]) -> str:
    """What a chart shows, for those who hear it; names that are cells' are left out."""
    say = page.book.say
    names = say(", ").join(say(name) for name in figures if not name.startswith("="))
    pattern = "{kind}: {title}. It shows: {figures}." if names else "{kind}: {title}."
    return say(pattern, kind=say(CHARTS[kind]), title=say(title), figures=names)


def insert(chart: Chart, page: Page, place: tuple[int, int, int, int], description: str) -> None:
    """Put a chart on a sheet: row and column of its corner, width and height in pixels."""
    row, column, width, height = place
    chart.set_size({"width": width, "height": height})
    options = {"x_offset": 8, "object_position": 3, "description": description}
    page.book.later(lambda: page.sheet.insert_chart(row, column, chart, options))


def drawn(page: Page, one: Series) -> dict[str, Any]:
    """What a series draws, as XlsxWriter takes it."""
    return {
        "name": one.name if one.name.startswith("=") else page.book.say(one.name),
        "categories": [one.categories[0].name, *one.categories[1:]],
        "values": [one.values[0].name, *one.values[1:]],
    }


def style_chart(
    chart: Chart,
    page: Page,
    title: str,
    kind: str,
    formats: tuple[str, str],
    labels: bool,
    step: int = 1,
) -> None:
    """Title, axes and legend of a chart; of its names, one is written each so many."""
    font = {"color": MUTED, "size": 9}
    chart.set_title(
        {"name": page.book.say(title), "name_font": {"size": 11, "bold": True, "color": INK}}
    )
    shown = formats[0]
    if shown == MONTHS and not names_of_months(page.book):
        shown = page.book.say(MONTHS_AND_YEARS if step > 1 else MONTH_NAMES)
    names = {
        "num_format": shown, "num_font": font, "line": {"color": LINE}, "text_axis": True,
        "major_tick_mark": "none", "interval_unit": step if step > 1 else None,
    }  # fmt: skip
    numbers = {
        "num_format": formats[1], "num_font": font, "line": {"none": True}, "min": 0,
        "major_tick_mark": "none", "visible": not labels,
        "major_gridlines": {"visible": not labels, "line": {"color": LINE, "width": 0.75}},
    }  # fmt: skip
    across = page.book.right_to_left
    if kind == "bar":
        chart.set_x_axis({**numbers, "reverse": across, "label_position": "high"})
        chart.set_y_axis({**names, "reverse": True})  # from top to bottom, as the table has them
    else:
        chart.set_x_axis({**names, "reverse": across})
        chart.set_y_axis(numbers)
    chart.set_legend({"position": "bottom", "font": font})
    chart.set_chartarea({"border": {"none": True}})
