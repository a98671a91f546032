"""What comes of advertising or of selling: a blank is 0, but where nobody ever says.

A day of cost without a purchase has no revenue, and a week without a deal no sales: such cells are
left blank. Where a channel, or a rep, never has any, nobody knows what came, and ratios leave its
rows out. What went in, such as impressions or leads, is not known where a row has none.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from kpi_xl.units import COUNT, TEXT, Unit

from .grid import escaped
from .records import Basis
from .sheet_parts import blank_if, header_row, section
from .writing import Page

NAMELESS = "(?)"  # stands for a name that is blank
NOBODY = f"<>{NAMELESS.replace('?', '~?')}"  # the criterion that leaves out none


def named_after(column: str) -> str:
    """A column as part of a defined name."""
    return column.title().replace("_", "")


class Outcomes(NamedTuple):
    """The columns of a table that are outcomes, and the column that rows have of which each is.

    `owner` is the column with the names of whoever has them or not; ratios leave out `reach` names
    that never have any.
    """

    table: str
    owner: str
    columns: Mapping[str, str]
    reach: int

    def silent(self, column: str, number: int = 0) -> str:
        """The name of the cell with the criterion that leaves out a name without an outcome.

        Without a number: of that which says how many there are.
        """
        return f"{named_after(column)}Silent{number or ''}"

    def silent_in(self, column: str) -> Iterator[Basis]:
        """The criteria that leave out the names without an outcome, and one more if they are more.

        Of the names by rows that state it, those of none are the last.
        """
        base, stated = (f"{self.table}[{one}]" for one in (self.columns[column], column))
        keys, counts = (
            f'IF({base}="","",{one})'
            for one in (f'"<>"&{self.table}[{self.owner}]', f'IF({stated}="",0,1)')
        )
        mix = f"CHANNEL_MIX({keys},{counts})"
        some = (f'COUNTIFS({base},"<>",{stated},"{sign}")=0' for sign in ("", "<>"))
        none = "IF({},TRUE,{})".format(*some)
        for number in range(1, self.reach + 2):
            name, share = (f"INDEX({mix},ROWS({mix})+1-{number},{place})" for place in (1, 2))
            found = f'IF({share}=0,{escaped(name)},"{NOBODY}")'
            formula = f'=IF({none},"{NOBODY}",{found})'
            yield Basis(self.silent(column, number), formula, TEXT, array=True)
            none = f'{self.silent(column, number)}="{NOBODY}"'
        cells = (
            f'IF({self.silent(column, number)}="{NOBODY}",0,1)'
            for number in range(1, self.reach + 2)
        )
        yield Basis(self.silent(column), f"={'+'.join(cells)}", COUNT)

    @property
    def basis(self) -> tuple[Basis, ...]:
        """The cells of all columns."""
        return tuple(cell for column in self.columns for cell in self.silent_in(column))

    def stating(self, column: str) -> str:
        """The criteria of SUMIFS for the rows that state a column."""
        if column not in self.columns:
            return f',{self.table}[{column}],"<>"'
        cells = (self.silent(column, number + 1) for number in range(self.reach))
        return "".join(f",{self.table}[{self.owner}],{cell}" for cell in cells)

    @property
    def too_many(self) -> str:
        """The number of columns of which more names have none than ratios leave out."""
        return "+".join(f"IF({self.silent(one)}>{self.reach},1,0)" for one in self.columns)


class Divided(NamedTuple):
    """The parts of a ratio over some rows: their sums, each over the rows that state the other.

    `none` is the condition that one of the sums over all of the rows is not known, `nothing` how
    what is below tells that there is nothing to divide by.
    """

    above: str
    below: str
    none: str
    nothing: str

    def by(self, function: str) -> str:
        """A KPI function of them."""
        return f"{function}({self.above},{self.below})"

    def ratio(self, function: str) -> str:
        """A KPI function of them, blank where there is nothing to divide by."""
        return f'IF({self.below}{self.nothing},"",{self.by(function)})'

    @property
    def over(self) -> str:
        """What is divided by; 0 where one of the sums is not known."""
        return f"IF({self.none},0,{self.below})"


def divided(above: str, below: str, wholes: tuple[str, str], nothing: str = "=0") -> Divided:
    """The parts of a ratio; `wholes` are the cells of the sums over all of the rows."""
    return Divided(above, below, f'IF({wholes[0]}="",TRUE,{wholes[1]}="")', nothing)


class LeftOut(NamedTuple):
    """What a ratio leaves out of one of its parts: the sum, and in how many rows, as formulas."""

    name: str
    left: str
    rows: str
    unit: Unit


def put_left_out(
    page: Page,
    row: int,
    lead: str,
    records: Mapping[str, Sequence[LeftOut]],
    none: str,
    first: int = 0,
) -> None:
    """What ratios leave out of both their parts, from a header's row and a first column on.

    `none` is the condition that there are no figures.
    """
    styles = page.styles
    section(page, row - 2, first, first + 7, "What the ratios leave out")
    page.write(row - 1, first, lead, styles.lead())
    heads = "Left out of", "", "in rows"
    header_row(page, row, first, ("Ratio", *heads, "", *heads), text=(0, 1, 5))
    for at, (label, of_ratio) in enumerate(records.items(), start=row + 1):
        page.write(at, first, label, styles.label(bold=True))
        for column, (name, left, rows, unit) in zip((first + 1, first + 5), of_ratio, strict=True):
            page.write(at, column, name, styles.label())
            for place, formula, one in ((1, left, unit), (2, rows, COUNT)):
                formula = blank_if((none, f"{rows}=0"), formula)
                page.put(at, column + place, formula, styles.number(one))
