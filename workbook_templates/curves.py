"""Charts of curves over numbers, such as months since a first order, with single points marked."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from kpi_xl.units import COUNT, Unit

from .charting import described, drawn, insert, named_at_end
from .records import Series
from .writing import INK, LINE, MUTED, Page


class Curve(NamedTuple):
    """A line through points, or the mark of one point: two blocks of numbers (Page, place)."""

    name: str
    across: tuple[Page, int, int, int, int]
    up: tuple[Page, int, int, int, int]
    colour: str
    kind: Literal["line", "dashed", "mark"] = "line"


def draw_curves(
    page: Page,
    title: str,
    curves: Sequence[Curve],
    place: tuple[int, int, int, int],
    *,
    about: str = "",
    unit: Unit = COUNT,
    number_format: str = "",
    most: float | None = None,
    ends: bool = False,
) -> None:
    """Curves over numbers from 0 on; a point below 0 is out of sight.

    The title is an English text, or the address of one; `about` is what is told then to those who
    hear the chart. `most` is where the numbers end, `ends` names each line at its last point.
    """
    chart = page.book.file.add_chart({"type": "scatter", "subtype": "straight"})
    for number, one in enumerate(curves):
        points = Series(one.name, one.across, one.up)
        look = drawn(page, points)
        if one.kind == "mark":
            plain = {"color": one.colour}
            look["line"] = {"none": True}
            look["marker"] = {"type": "diamond", "size": 11, "fill": plain, "border": plain}
        else:
            dashed = {"dash_type": "dash"} if one.kind == "dashed" else {}
            look["line"] = {"color": one.colour, "width": 2.25, **dashed}
            look["marker"] = {"type": "none"}
        if ends:
            side = "below" if number % 2 else "above"
            look["data_labels"] = named_at_end(points, one.colour, side)
        chart.add_series(look)
    font = {"color": MUTED, "size": 9}
    phrase = title if title.startswith("=") else page.book.say(title)
    chart.set_title({"name": phrase, "name_font": {"size": 11, "bold": True, "color": INK}})
    axis = {"num_font": font, "min": 0, "major_tick_mark": "none"}
    grid = {"visible": True, "line": {"color": LINE, "width": 0.75}}
    chart.set_x_axis({**axis, "num_format": "0", "line": {"color": LINE},
                      "major_gridlines": {"visible": False},
                      "reverse": page.book.right_to_left})  # fmt: skip
    chart.set_y_axis({**axis, "num_format": number_format or page.styles.form(unit),
                      "line": {"none": True}, "major_gridlines": grid, "max": most})  # fmt: skip
    chart.set_legend({"none": True} if ends else {"position": "bottom", "font": font})
    chart.set_chartarea({"border": {"none": True}})
    names = [one.name for one in curves]
    insert(chart, page, place, described(page, "scatter", about or title, names))
