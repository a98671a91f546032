"""The yellow cells: what a setting takes, what it means, and what is said where it is wrong."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from xlsxwriter.utility import xl_rowcol_to_cell

from kpi_xl.serials import FIGURED_FROM, FIGURED_UNTIL, FIRST_YEAR, LAST_YEAR
from kpi_xl.units import COUNT, DATE, KEY, LOGICAL, RATE, TEXT, Unit

from .records import Basis, Problem, Setting
from .sheet_parts import section
from .writing import (
    FIXED,
    WARN,
    Book,
    Page,
    ifs,
    literal,
)


def accepted(page: Page, unit: Unit) -> dict[str, Any]:
    """The rule for cells that take dates or numbers of a unit."""
    if unit is DATE:
        return {
            "validate": "date",
            "criteria": "between",
            "minimum": date(FIRST_YEAR, 1, 1),
            "maximum": date(LAST_YEAR + 1, 1, 1),
            "error_message": page.book.say("A date is wanted here, such as 2025-01-31."),
        }
    return {
        "validate": "decimal",
        "criteria": ">=",
        "value": 0 if unit is COUNT else -1e300,
        "error_message": page.book.say("A number is wanted here."),
    }


def settings(page: Page, row: int, column: int, records: Sequence[Setting]) -> int:
    """Settings below each other: label, yellow cell, meaning. Returns the row after them."""
    styles = page.styles
    section(page, row, column, column + 2, "Settings")
    for setting in records:
        row += 1
        page.write(row, column, setting.label, styles.label(shrink=True))
        put_setting(page, row, column + 1, setting)
        if page.book.given and setting.name in page.book.given.fixed:
            page.write(row, column + 2, FIXED, styles.lead(indent=1))
            continue
        meaning = page.book.phrase(setting.meaning)
        effect = in_effect(page.book, setting)
        shown = f'IF({setting.name}="",{meaning}&": "&{effect},{meaning})' if effect else meaning
        if setting.cut:
            page.put(row, column + 2, or_cut(page, setting, shown), styles.lead(indent=1))
            cut = "&".join(name for _, name in setting.cut)
            page.mark((row, column + 2), f'{cut}<>""', WARN)
        elif effect:
            page.put(row, column + 2, f"={shown}", styles.lead(indent=1, shrink=True))
        else:
            page.write(row, column + 2, setting.meaning, styles.lead(indent=1))
    return row + 1


def in_effect(book: Book, setting: Setting) -> str:
    """The formula of what is in effect where a setting is empty; "" where it says nothing."""
    if not setting.codes:
        return setting.effect
    return book.phrase(setting.choices[setting.codes.index(setting.default)])


def shown_choice(book: Book, setting: Setting) -> str:
    """The formula of a setting's word, also where its cell is empty."""
    return f'=IF({setting.name}="",{in_effect(book, setting)},{setting.name})'


def put_setting(page: Page, row: int, column: int, setting: Setting) -> None:
    """The yellow cell of a setting: its value, its name, what it takes."""
    say = page.book.say if setting.translated or setting.codes else str
    value = setting.value
    if isinstance(value, str) and value in setting.choices:
        value = say(value)
    page.define(setting.name, row, column)
    if page.book.given and setting.name in page.book.given.fixed:
        fixed = page.book.given.fixed[setting.name]
        if isinstance(fixed, str):
            word = page.book.say(fixed) if fixed else ""
            page.sheet.write_string(row, column, word, page.styles.label(align="right"))
        else:
            page.sheet.write_number(row, column, fixed, page.styles.number(setting.unit))
        return
    page.sheet.write(row, column, value, page.styles.input(setting.unit))
    page.book.settings.append((setting, f"{page.name}!{xl_rowcol_to_cell(row, column)}"))
    if setting.choices:
        # The codes, which no list shows, are to be taken: Checks names what is neither.
        words = list(map(say, setting.choices))
        rule = {"validate": "list", "source": words, "show_error": not setting.codes}
    elif setting.unit in (KEY, TEXT, LOGICAL):
        return
    else:
        rule = accepted(page, setting.unit)
        if setting.unit is not DATE:
            rule |= {"criteria": "between", "minimum": setting.least, "maximum": most_of(setting)}
            rule.pop("value")
    page.sheet.data_validation(row, column, row, column, rule)


def most_of(setting: Setting) -> float:
    """The largest number that a setting takes; a rate without a bound of its own is below 1."""
    return 0.999999 if setting.unit is RATE and setting.most > BOUNDLESS else setting.most


BOUNDLESS = 1e6


def code_of(book: Book, setting: Setting) -> tuple[str, str]:
    """The name and the formula of the cell that holds a setting's code; of a wrong word, that."""
    name, known = setting.name, zip(setting.choices, setting.codes, strict=True)
    cases = [(f'{name}=""', f'"{setting.default}"')]
    # The last choice is looked for first.
    cases += [(f"{name}={book.phrase(word)}", f'"{code}"') for word, code in reversed([*known])]
    return f"{name}Code", f"={ifs(cases, name)}"


def wrong_setting(book: Book, setting: Setting) -> str:
    """The formula that is 1 where a setting is nothing that it can be, else 0; "" for any text."""
    name = setting.name
    if setting.codes:
        known = "+".join(f'({name}Code="{code}")' for code in setting.codes)
        return f"IF({known}=0,1,0)"
    if setting.choices:
        say = book.say if setting.translated or isinstance(setting.value, str) else str
        words = [literal(say(word)) for word in setting.choices]
        if not isinstance(setting.value, str):
            words = list(setting.choices)
        known = "+".join(f"({name}={word})" for word in words)
        wrong = f"IF({known}=0,1,0)"
    elif setting.unit in (KEY, TEXT, LOGICAL):
        return ""
    else:
        least, most = setting.least, most_of(setting)
        if setting.unit is DATE:
            least, most = FIGURED_FROM, FIGURED_UNTIL + 1
        part = f"IF(INT({name})<>{name},1,0)" if setting.unit.name == COUNT.name else "0"
        outside = f"IF({name}<{least:.15g},1,IF({name}>{most:.15g},1,{part}))"
        wrong = f"IF(ISNUMBER({name}),{outside},1)"
    return f'IF({name}="",0,{wrong})' if isinstance(setting.value, str) else wrong


def wrong_settings(book: Book) -> Problem:
    """The problem that a setting is empty, or nothing that it can be; the first is named."""
    wrong = [(wrong_setting(book, setting), place) for setting, place in book.settings]
    wrong = [(formula, place) for formula, place in wrong if formula]
    first = ifs((f"{formula}=1", literal(place)) for formula, place in wrong)
    found = "+".join(formula for formula, _ in wrong) or "0"
    return Problem(WRONG_SETTINGS, f"={found}", f"={first}", SETTINGS_ADVICE)


WRONG_SETTINGS = "Settings that are empty or impossible"
SETTINGS_ADVICE = "Correct the cell that is named here. A rate is written as 40% or 0.4."


def or_cut(page: Page, setting: Setting, formula: str) -> str:
    """What a setting means, or which table it has made too large for its sheet."""
    names = page.book.names
    cases = (
        (f'{name}<>""', f"{literal(f'{names[sheet]}: ')}&{name}") for sheet, name in setting.cut
    )
    return f"={ifs(cases, formula)}"


def judgement(book: Book, status: str, words: Mapping[str, str]) -> str:
    """A formula of what KPI_STATUS said in a cell, in the words for each that it says."""
    *said, (_, last) = (
        (f"{status}={literal(key)}", book.phrase(word)) for key, word in words.items()
    )
    return ifs([(f'{status}=""', '""'), *said], last)


def codes(book: Book, records: Iterable[Setting]) -> list[Basis]:
    """The cells of the settings' codes, which formulas take."""
    return [Basis(*code_of(book, setting), TEXT) for setting in records if setting.codes]


def put_basis(page: Page, top: int, left: int, cells: Sequence[Basis]) -> int:
    """Named cells below each other on the sheet Model. Returns the row below."""
    for row, cell in enumerate(cells, start=top):
        page.sheet.write_string(row, left, cell.name, page.styles.label())
        style = page.styles.number(cell.unit)
        page.put_named(row, left + 1, cell.name, cell.formula, style, array=cell.array)
    return top + len(cells)
