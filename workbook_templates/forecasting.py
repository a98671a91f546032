"""The sheet Forecast: the next periods of some sums with low and high, or a word why there is none.

The sheet Model holds what KPI_FORECAST spills. It is #N/A where kpi_xl was installed without it:
then the sheet says so, and shows no error.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kpi_xl.units import COUNT, Unit

from .grid import Grid, Measure, lay_out, put_grid
from .records import Basis, Spill
from .sheet_parts import put_spills, section
from .writing import Page, ifs

AHEAD = 4  # periods
FEWEST = 5  # whole periods
TOP = 5  # the row of the table's header
LOW, EXPECTED, HIGH = 2, 1, 3  # columns of KPI_FORECAST

CAUTIONS = (
    "A forecast knows the past alone: no new price, budget or campaign, and no season of which it"
    " has not seen three.",
    "The ends of several periods must not be added up: where one is low, another may be high.",
)
FEW = "No forecast yet: it takes five whole periods without a gap up to the latest one."
MISSING = (
    "No forecast: the figures do not vary, or kpi_xl was installed without forecasts. In a"
    ' terminal: pip install "kpi-xl[forecast]"'
)


class Past(NamedTuple):
    """A sum by period: its label, its cells from the oldest on, and when it tells too little."""

    label: str
    values: str
    none: str


def since_the_gap(values: str, months: str, last: str) -> str:
    """The values of the months after the last one that has none; nothing where `last` has none."""
    gap = f'MAX(IF(({values}="")*({months}<={last}),{months},0))'
    return f'IF({months}>{gap},{values},"")'


def spill_forecasts(
    page: Page, top: int, left: int, past: Sequence[Past], season: str, label: str, following: Basis
) -> None:
    """The tables of KPI_FORECAST, side by side on the sheet Model, each under its label.

    Below them stands the day on which the next period begins: `following`, and what it is called.
    """
    put_spills(page, top, (
        Spill(one.label, left + 5 * number, f"KPI_FORECAST({one.values},{AHEAD},{season})",
              one.none, (COUNT,))
        for number, one in enumerate(past)
    ))  # fmt: skip
    row, column = top + AHEAD + 2, left + 3
    page.write(row, left, label, page.styles.label())
    page.put_array(row, column, following.formula, page.styles.number(following.unit))
    page.define(following.name, row, column)


def forecast_sheet(
    page: Page,
    lead: str,
    sums: Mapping[str, Unit],
    model: tuple[int, int],
    periods: Sequence[dict[str, str]],
    columns: Sequence[Measure],
) -> Grid:
    """The sheet: a row a period ahead, with low, expected and high of each sum, by its label.

    `model` is where `spill_forecasts` has put its tables; `periods` and `columns` say what is shown
    of the period itself.
    """
    book = page.book
    anchors = [book.at("Model", model[0], model[1] + 5 * n) for n in range(len(sums))]
    measures = list(columns)
    for number, (anchor, unit) in enumerate(zip(anchors, sums.values(), strict=True)):
        for part, place in (("low", LOW), ("expected", EXPECTED), ("high", HIGH)):
            # A trend is carried on, below 0 too, where no cost and no count can be.
            cell = f"MAX(0,{{{part} {number}}})"
            formula = (
                f'IF(ISNA({anchor}),"",IF(ISERROR({anchor}),{anchor},IF({anchor}="","",{cell})))'
            )
            look = {"bold": True} if place == EXPECTED else {}
            measures.append(Measure(part, formula, unit, key=f"{part} {number}!", look=look,
                                    blank=""))  # fmt: skip
    words = ((1, 42),) * (len(columns) - 1)  # behind the period
    lay_out(page, "Forecast", lead, ((1, 16), *words, (3 * len(sums), 12)),
            frozen=(TOP + 1, 1))  # fmt: skip
    for number, label in enumerate(sums):
        first = len(columns) + 3 * number
        section(page, TOP - 1, first, first + 2, label)
    records = [
        record | {
            f"{part} {number}": book.at("Model", model[0] + ahead, model[1] + 5 * number + place)
            for number in range(len(sums))
            for part, place in (("low", LOW), ("expected", EXPECTED), ("high", HIGH))
        }
        for ahead, record in enumerate(periods, start=1)
    ]  # fmt: skip
    table = put_grid(page, TOP, tuple(measures), records)
    last = words_below(page, table.last + 1, anchors)
    page.sheet.print_area(0, 0, last, table.right)
    page.sheet.fit_to_pages(1, 0)
    return table


def words_below(page: Page, row: int, anchors: Sequence[str]) -> int:
    """Why there is no forecast, if there is none, and what one does not know; the last row."""
    missing = ",".join(f"ISNA({anchor})" for anchor in anchors)
    blank = ",".join(f'{anchor}=""' for anchor in anchors)
    # An error of the data is looked at last: OR would show it in place of a word.
    absent, early = map(page.book.phrase, (MISSING, FEW))
    word = ifs(((f"OR({missing})", absent), (f"OR({blank})", early)))
    faulty = "+".join(f"ISERROR({anchor})*NOT(ISNA({anchor}))" for anchor in anchors)
    bold = page.styles.label(bold=True)
    page.put(row, 0, f'=IF({faulty}>0,"",{word})', bold, as_it_is=True)
    for place, caution in enumerate(CAUTIONS, start=row + 1):
        page.write(place, 0, caution, page.styles.lead())
    return row + len(CAUTIONS)
