"""The sign of the currency, and whole amounts from 1,000 on, in all cells that show money.

A workbook that was made in a currency has its sign in the formats of cells and charts' axes, and
its currency stays. In any other the user chooses one on the sheet Sources: conditional formats,
which follow that cell, write its sign. Charts have none there, for no axis follows a cell.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from xlsxwriter.utility import xl_range

from kpi_xl.locales.currencies import Money, currencies, money
from kpi_xl.reports import layout

from .writing import Book, Page

CENTS_UNTIL = 999.995
"""The amount from which on cents are not shown: what is printed as 1,000."""


def sign_amounts(book: Book, currency: str, language: str) -> None:
    """Write the rules by which cells show amounts. `currency` is what the workbook is made in."""
    untold = {"Model", layout.SOURCES, *(table.name for table in book.inputs)}
    for page in (page for title, page in book.pages.items() if title not in untold):
        exact, whole = (amounts(page, form) for form in book.styles.money)
        where = [(xl_range(*block), condition) for one, block, condition in book.amounts_where
                 if one is page]  # fmt: skip
        for code in () if currency else currencies():
            chosen, forms = f'{layout.CURRENCY}="{code}"', money(code, language)
            cut(page, exact, forms, chosen)
            for cells, form in zip((exact, whole), forms, strict=True):
                add_rule(page, cells, form, type="formula", criteria=f"={chosen}")
            for cells, condition in where:
                sign(page, cells, forms, f"AND({condition},{chosen})")
        cut(page, exact, book.styles.money, "TRUE")
        for cells, condition in where:
            sign(page, cells, book.styles.money, condition)


def sign(page: Page, cells: str, forms: Money, condition: str) -> None:
    """Show numbers as amounts where a condition holds."""
    cut(page, cells, forms, condition)
    add_rule(page, cells, forms.exact, type="formula", criteria=f"={condition}")


def cut(page: Page, cells: str, forms: Money, condition: str) -> None:
    """Show amounts without cents from 1,000 on, where a condition holds."""
    if forms.whole != forms.exact:
        least, most = (f"=IF({condition},{sign}{CENTS_UNTIL},{sign}1E+300)" for sign in "-+")
        add_rule(page, cells, forms.whole, type="cell", criteria="not between",
                 minimum=least, maximum=most)  # fmt: skip


def add_rule(page: Page, cells: str, form: str, **rule: Any) -> None:
    """A number format for cells, if there are any, by a rule that names none of them."""
    if not cells:
        return
    look = page.book.file.add_format({"num_format": form})
    page.sheet.conditional_format(cells.split()[0], {**rule, "format": look, "multi_range": cells})


def amounts(page: Page, form: str) -> str:
    """The addresses of the cells of a number format, in few blocks, with spaces between."""
    return " ".join(xl_range(*block) for block in blocks(page, form))


def blocks(page: Page, form: str) -> Iterator[tuple[int, int, int, int]]:
    """The same, as rows and columns: neighbours in a column, and columns alike in one block."""
    found: dict[int, list[int]] = {}
    for row, cells in sorted(page.sheet.table.items()):
        for column, cell in cells.items():
            if cell.format and cell.format.num_format == form:
                found.setdefault(column, []).append(row)
    runs: dict[tuple[int, int], list[int]] = {}
    for column, rows in sorted(found.items()):
        for run in stretches(rows):
            runs.setdefault(run, []).append(column)
    for (top, bottom), columns in runs.items():
        for left, right in stretches(columns):
            yield top, left, bottom, right


def stretches(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first and the last of each stretch of numbers that follow each other."""
    start = numbers[0]
    for number, following in zip(numbers, [*numbers[1:], -1], strict=True):
        if following != number + 1:
            yield start, number
            start = following
