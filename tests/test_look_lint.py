"""One workbook in which a reader misses nothing; a change of each kind, and it is named."""

import io
from collections.abc import Callable
from typing import Any

import pytest
import xlsxwriter
from look_lint import look


def book(change: Callable[[Any, Any], None] = lambda book, sheet: None, **chart: Any) -> bytes:
    file = io.BytesIO()
    made = xlsxwriter.Workbook(file, {"in_memory": True})
    sheet = made.add_worksheet("Summary")
    sheet.set_column(0, 1, 12)
    sheet.fit_to_pages(1, 1)
    sheet.write_string(0, 0, "A title that runs into the next cell")
    sheet.write_string(1, 0, "Cost", made.add_format({"font_color": "#5B6472"}))
    sheet.write_number(1, 1, 20)
    sheet.set_row(2, 32)
    sheet.write_string(2, 0, "two words", made.add_format({"text_wrap": True}))
    drawn = made.add_chart({"type": "column"})
    drawn.add_series({"name": "Cost", "values": "=Summary!$B$2:$B$2"})
    drawn.set_title({"name": "Cost"})
    told = {"description": "Column chart: Cost. It shows: Cost."} | chart
    sheet.insert_chart(5, 0, drawn, told)
    sheet.print_area(0, 0, 30, 9)
    change(made, sheet)
    made.close()
    return file.getvalue()


def lying(book: Any, sheet: Any) -> None:
    """A second chart, of two bars a name, that lie."""
    drawn = book.add_chart({"type": "bar"})
    for name in ("Cost", "Revenue"):
        drawn.add_series({"name": name, "values": "=Summary!$B$2:$B$2"})
    sheet.insert_chart(16, 0, drawn, {"description": "Bar chart: Cost and revenue."})


def test_nothing_is_missed() -> None:
    assert look(book()) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            lambda book, sheet: sheet.write_string(1, 0, "A label that is too long for its column"),
            "A2: 'A label that is too long for its column' is cut",
        ),
        (
            lambda book, sheet: sheet.write_string(0, 8, "A remark that ends beyond the paper"),
            "I1: 'A remark that ends beyond the paper' is cut",
        ),
        (
            lambda book, sheet: sheet.write_string(
                2, 0, "words in too many lines for it", book.add_format({"text_wrap": True})
            ),
            "A3: 'words in too many lines for it' takes 3 lines, and its row is low",
        ),
        (
            lambda book, sheet: sheet.write_string(
                2, 0, "Selbstbedienungskasse", book.add_format({"text_wrap": True})
            ),
            "A3: a word of 'Selbstbedienungskasse' is wider than its column",
        ),
        (
            lambda book, sheet: sheet.write_string(
                1, 0, "Cost", book.add_format({"font_color": "#999999"})
            ),
            "A2: 999999 on FFFFFF has a contrast of 2.8 : 1",
        ),
        (
            lambda book, sheet: sheet.merge_range(3, 0, 3, 1, 7),
            "the cells Summary!$A$4:$B$4 are merged, and hold a number",
        ),
        (
            lambda book, sheet: sheet.fit_to_pages(1, 0),
            "it has charts, and is printed on several pages",
        ),
        (lambda book, sheet: book.add_worksheet(), "Sheet2: its name says nothing"),
        (lambda book, sheet: lying(book, sheet), "chart2.xml: its bars lie in groups"),
    ],
)
def test_what_is_missed_is_named(change: Callable[[Any, Any], None], found: str) -> None:
    (problem,) = look(book(change))
    assert found in problem


def test_a_chart_without_words_is_named() -> None:
    assert look(book(description="")) == ["drawing1.xml: Chart 1 has no description"]
