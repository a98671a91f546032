"""Cells to kernel arguments and back: what blanks, text, errors, bounds and ranges mean.

The one way in is `evaluate`. It knows no host: for each argument a host hands over None (left
out), one cell, or a list of rows, and it takes back one cell or a list of rows.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from itertools import chain, compress, count, islice, repeat
from operator import and_, gt, is_, itemgetter, or_
from typing import Any, NamedTuple

from kpi_xl.errors import (
    EXCEL_ERRORS,
    CellError,
    ErrorCell,
    KpiError,
    NotEnoughData,
    OutOfDomain,
    WrongInput,
    ZeroDenominator,
    raised,
)
from kpi_xl.locales import Message, Names
from kpi_xl.reference import domain_message
from kpi_xl.registry import Arg, Argument, Metric
from kpi_xl.serials import DAY_0, FIRST_DAY, serial
from kpi_xl.units import DATE, KEY, LARGEST, LARGEST_ID, TEXT, exceeds, refuse_large

Cell = Any
"""None, a float, text, a bool, a date or a Decimal in; a float, text, a bool, a CellError out."""
Block = list[list[Cell]]

NUMBERS = {float, int}
NUMBERS_AND_BLANKS = {float, int, type(None)}
HOLDS_AN_ERROR = "{name} holds the error {cell}"
TOO_LARGE = "the result is too large for a cell"


def evaluate(metric: Metric, given: Sequence[Cell | Block]) -> Cell | Block:
    """What a cell with this function and these arguments shows.

    One cell, or a block (a list of rows) that spills. An error is a `CellError`; a blank cell of
    a block is "". Scalar arguments given as ranges lift: one result a cell, broadcast as native
    Excel arithmetic does it.
    """
    try:
        values = _complete(metric, given)
        single = _singles(values) if metric.scalar else None
        if single is not None:
            return _result(metric, single)
        try:
            rows, width = _shape(metric, values)
            refuse_large(rows, width)
        except WrongInput:
            _refuse_errors(metric, values)  # an error cell comes before a wrong shape
            raise
    except KpiError as error:
        return error.shown()
    if rows == width == 1:
        return _result(
            metric, [_unwrapped(a, v) for a, v in zip(metric.arguments, values, strict=True)]
        )
    return _lifted(metric, values, rows, width)


def read(metric: Metric, name: str, value: Cell) -> Any:
    """One cell as the kernel gets it for the argument of that name. Raises KpiError."""
    argument = next(argument for argument in metric.arguments if argument.name == name)
    judged = _scalar(argument, value)
    if type(judged) in NUMBERS:
        _refuse_outside(argument, judged)
    return judged


def remark(metric: Metric, given: Sequence[Cell | Block]) -> str:
    """What the function itself has to say of its result for these arguments; mostly nothing."""
    if metric.remark is None:
        return ""
    sentence, holds = metric.remark
    try:
        values = _complete(metric, given)
        unwrapped = [_unwrapped(a, v) for a, v in zip(metric.arguments, values, strict=True)]
        judged = _judged(metric, unwrapped)
        return sentence if type(judged) is list and holds(*judged) else ""
    except KpiError:
        return ""


def table(rows: Block) -> Block:
    """A kernel's table as cells show it. Raises OutOfDomain for a number that no cell can hold."""
    cells = list(chain.from_iterable(rows))
    if set(map(type, cells)) == {float, str}:
        numbers = [cell for cell in cells if type(cell) is float]
        below_0 = any(math.copysign(1.0, zero) < 0.0 for zero in numbers if not zero)
        if -LARGEST <= sum(numbers) <= LARGEST and not below_0:
            return rows
    return [[_finite(cell) for cell in row] for row in rows]


def _complete(metric: Metric, given: Sequence[Cell | Block]) -> list[Cell | Block]:
    """One value an argument, with defaults for those left out."""
    if not metric.required <= len(given) <= len(metric.arguments):
        raise WrongInput(
            "{signature} was given {number} of its arguments",
            signature=metric.signature,
            number=len(given),
        )
    values = list(given)
    for argument in metric.arguments[len(given) :]:
        values.append(argument.default)
    for position, argument in enumerate(metric.arguments):
        if values[position] is None and not argument.required:
            values[position] = argument.default
    return values


def _singles(values: list[Cell | Block]) -> list[Cell] | None:
    """The cells of arguments that are one cell each; None where one is more."""
    cells = []
    for value in values:
        if type(value) is list:
            if len(value) != 1 or type(value[0]) is not list or len(value[0]) != 1:
                return None
            value = value[0][0]
        cells.append(value)
    return cells


def _shape(metric: Metric, values: list[Cell | Block]) -> tuple[int, int]:
    """Rows and columns of the result: those to which all scalar arguments broadcast."""
    rows, width = 1, 1
    for argument, value in zip(metric.arguments, values, strict=True):
        if type(value) is not list or argument.arg.column:
            continue
        if metric.result not in ("table", "shape") and value and type(value[0]) is list:
            refuse_large(len(value), len(value[0]))
        lengths = set(map(len, value))
        if len(lengths) != 1 or 0 in lengths:
            raise _no_block(argument)
        if len(value) == 1 and len(value[0]) == 1:
            continue
        if metric.result in ("table", "shape"):
            raise WrongInput("{name} must be one cell, not a range", name=argument.name)
        if not (_fits(len(value), rows) and _fits(len(value[0]), width)):
            raise WrongInput(
                "{name} has {rows} rows and {columns} columns, which do not fit the {others} rows"
                " and {width} columns of the arguments before it",
                name=argument.name,
                rows=len(value),
                columns=len(value[0]),
                others=rows,
                width=width,
            )
        rows, width = max(rows, len(value)), max(width, len(value[0]))
    return rows, width


def _no_block(argument: Argument) -> WrongInput:
    return WrongInput("{name} is not a block of cells", name=argument.name)


def _fits(length: int, other: int) -> bool:
    return length == other or 1 in (length, other)


def _unwrapped(argument: Argument, value: Cell | Block) -> Cell | Block:
    """A range of one cell as that cell, unless the argument takes a column."""
    return value[0][0] if type(value) is list and not argument.arg.column else value


# One result


def _result(metric: Metric, values: list[Cell | Block]) -> Cell | Block:
    """The kernel's answer, or the error that takes its place."""
    try:
        arguments: Any = values
        for argument, value in zip(metric.arguments, values):  # noqa: B905 - strict costs time
            # A column, a list, is not a number either: _judged reads it.
            if type(value) not in NUMBERS or not argument.low <= value <= argument.high:  # type: ignore[operator]
                arguments = _judged(metric, values)
                if type(arguments) is CellError:
                    return arguments
                break
        for part, whole in metric.parts:
            if arguments[part] > arguments[whole]:
                if exceeds(arguments[part], arguments[whole]):
                    raise OutOfDomain(
                        "{part} is more than {whole}, of which it is a part",
                        part=metric.arguments[part].name,
                        whole=metric.arguments[whole].name,
                    )
                # More by rounding alone: it is the whole.
                arguments = [*arguments]
                arguments[part] = arguments[whole]
        if not metric.scalar:
            return _shown(metric, _of_columns(metric, arguments, values), values)
        return _shown(metric, metric.kernel(*arguments), values)
    except KpiError as error:
        return error.shown()
    except ZeroDivisionError:
        return ZeroDenominator("the denominator of {formula} is 0", formula=metric.formula).shown()
    except OverflowError:
        return OutOfDomain(TOO_LARGE).shown()


def _of_columns(metric: Metric, arguments: list[Any], values: list[Cell | Block]) -> Any:
    """The kernel's answer; a row that it complains of has its number in the range given."""
    try:
        return metric.kernel(*arguments)
    except KpiError as error:
        fields = error.fields or {}
        if hasattr(fields.get("row"), "__index__"):
            kept = _rows_kept(metric.arguments, values)
            fields["row"] = dict(enumerate(kept, start=1)).get(fields["row"], fields["row"])
        raise


def _rows_kept(arguments: Sequence[Argument], values: list[Cell | Block]) -> Iterable[int]:
    """The numbers of the rows of which a kernel gets its first columns."""
    flat = [_flat(value) for value in values]
    given = [i for i, a in enumerate(arguments) if a.arg.column and not _left_out(a, flat[i])]
    group = _groups(arguments, given)[0]
    if any(flat[i].width != 1 for i in group):
        return ()
    filled = [_filled(flat[i]) for i in group]
    needed = [f for i, f in zip(group, filled, strict=True) if arguments[i].arg.blank == "skip"]
    if _of_records([arguments[i] for i in group]):
        needed.append(list(_row_by_row(or_, filled)))
    return compress(count(1), _row_by_row(and_, [[True] * len(filled[0]), *needed]))


def _shown(metric: Metric, result: Any, values: list[Cell | Block]) -> Cell | Block:
    """A kernel's result as cells: finite numbers, text, booleans."""
    if type(result) is float and -LARGEST <= result <= LARGEST:
        return result + 0.0  # turns -0.0 into the 0 that Excel shows
    if metric.result == "value":
        return _finite(result)
    if metric.result == "row":
        return [[_finite(cell) for cell in result]]
    if metric.result == "table":
        refuse_large(len(result), len(result[0]) if result else 1)
        return table(result)
    cells, shape = iter(result), values[0] if type(values[0]) is list else [[None]]
    return [[_finite(next(cells)) for _ in row] for row in shape]


def _finite(cell: Cell) -> Cell:
    if isinstance(cell, str | bool):
        return cell
    if not -LARGEST <= cell <= LARGEST:
        raise OutOfDomain(TOO_LARGE)
    return cell + 0.0


# Many results


def _lifted(metric: Metric, values: list[Cell | Block], rows: int, width: int) -> Block:
    """One result for each cell to which the scalar arguments broadcast."""
    spread = [
        _spread(argument, value, rows, width)
        for argument, value in zip(metric.arguments, values, strict=True)
    ]
    results = _all_clean(metric, spread, rows * width)
    if results is None:
        results = [_result(metric, list(cells)) for cells in zip(*spread, strict=False)]
    if metric.result == "row":
        ends = next((len(r[0]) for r in results if type(r) is list), 1)
        results = [r[0] if type(r) is list else [r] * ends for r in results]
        flat = list(chain.from_iterable(results))
        width *= ends
        return [flat[start : start + width] for start in range(0, len(flat), width)]
    if width == 1:
        return [[result] for result in results]
    return [results[start : start + width] for start in range(0, rows * width, width)]


def _spread(argument: Argument, value: Cell | Block, rows: int, width: int) -> Iterable[Cell]:
    """An argument's cells, one for each result, row by row."""
    if type(value) is not list or argument.arg.column:
        return repeat(value)
    if len(value) == rows and len(value[0]) == width:
        return list(chain.from_iterable(value))
    if len(value[0]) == width:
        return value[0] * rows
    if len(value) == rows:
        return [cell for row in value for cell in row * width]
    return repeat(value[0][0])


def _all_clean(metric: Metric, spread: list[Iterable[Cell]], size: int) -> list[Cell] | None:
    """All results at once where every cell is a number in its domain; else None.

    It is what makes a column of 100,000 cells some five times as fast as one cell at a time.
    """
    for argument, cells in zip(metric.arguments, spread, strict=True):
        sample = cells if type(cells) is list else list(islice(cells, 1))
        if not _all_between(argument.low, sample, argument.high):
            return None
    try:
        for part, whole in metric.parts:
            if any(islice(map(gt, spread[part], spread[whole]), size)):
                return None
        results = list(map(metric.kernel, *spread))
        if not NUMBERS.issuperset(map(type, results)) or not -LARGEST <= sum(results) <= LARGEST:
            return None
    except (KpiError, ArithmeticError):
        return None
    return [result + 0.0 for result in results]


def _all_between(low: float, cells: list[Cell], high: float) -> bool:
    """Whether every cell is a number from low to high."""
    kinds = set(map(type, cells))
    of_all = kinds == {float} and low == -LARGEST and high == LARGEST
    if not kinds <= NUMBERS or not (of_all or (low <= min(cells) and max(cells) <= high)):
        return False
    # A NaN can hide from min and max, but not from the sum.
    return bool(-LARGEST <= sum(cells) <= LARGEST)


# Reading the cells of one result


class Flat(NamedTuple):
    """The cells of an argument in row order.

    A host may hand one over in place of a column that several functions are given.
    """

    cells: list[Cell]
    kinds: set[type]
    """The types that they have."""
    width: int
    """Of the block; 0 of what is none."""
    known: dict[object, Any] | None = None
    """What has been read of them for one function, for the others."""


def _judged(metric: Metric, values: list[Cell | Block]) -> list[Any] | CellError:
    """The kernel's arguments, or the first error in the order that the catalogue sets.

    Errors are raised, but for those that cells often have, which are given back: see below.

    An error cell, text or shape, a number outside its domain, a zero denominator.
    """
    if metric.scalar:
        return _judged_scalars(metric, values)
    flat = _refuse_errors(metric, values)
    _refuse_ragged(metric.arguments, flat)
    if metric.arrays:
        filled = _without_blank_rows(metric.arguments, flat)
        if filled is not flat:
            try:
                return _read(metric, values, filled)
            except KpiError:
                pass  # is told once more, with the numbers that whole rows have in the sheet
    return _read(metric, values, flat)


def _read(metric: Metric, values: list[Cell | Block], flat: list[Flat]) -> list[Any] | CellError:
    """The kernel's arguments from cells of which none is an error."""
    arguments = metric.arguments
    read: list[Any] = []
    for argument, value, column in zip(arguments, values, flat, strict=True):
        if argument.arg.column:
            read.append(_columns(argument, column, arrays=metric.arrays))
        elif type(value) in NUMBERS and argument.low <= value <= argument.high:  # type: ignore[operator]
            read.append(value)
        else:
            read.append(_scalar(argument, value))
    rows = _pair(arguments, read, in_place=metric.result == "shape")
    zero = None
    for place, (argument, value) in enumerate(zip(arguments, read, strict=True)):
        if argument.arg.column:
            _refuse_columns_outside(argument, value, rows.get(place, ()))
        elif type(value) in NUMBERS and not argument.low <= value <= argument.high:
            _refuse_outside(argument, value)
            if value == 0.0 and argument.arg.denominator:
                zero = zero or argument
    # What is outside and not refused.
    return read if zero is None else _divides_by(zero, metric)


def _judged_scalars(metric: Metric, values: list[Cell | Block]) -> list[Any] | CellError:
    """The same where no argument is a column.

    The error is given back, not raised: that would take as long as all the rest.
    """
    wrong = _error_among(metric, values)
    if wrong is not None:
        return wrong
    arguments, read, outside, zero = metric.arguments, list(values), [], None
    for place, value in enumerate(values):
        argument, kind = arguments[place], type(value)
        if kind in NUMBERS and argument.low <= value <= argument.high:  # type: ignore[operator]
            continue
        if kind is str and value in argument.arg.words:
            continue
        if value is None and not argument.required:
            read[place] = argument.default
            continue
        if kind is not float or math.isnan(argument.low):  # else there is nothing to read
            read[place] = value = _read_cell(argument, value)
            if type(value) is CellError:
                return value
        number: Any = value
        if type(number) in NUMBERS and not argument.low <= number <= argument.high:
            if number == 0.0 and argument.arg.denominator and argument.arg.unit is not DATE:
                zero = zero or argument
            else:
                outside.append((argument, number))
    for argument, number in outside:
        wrong = _outside(argument, number)
        if wrong is not None:
            return wrong
    return read if zero is None else _divides_by(zero, metric)


def _error_among(metric: Metric, values: list[Cell | Block]) -> CellError | None:
    """The first of the cells that is an error, as it passes through."""
    try:
        if EXCEL_ERRORS.isdisjoint(values):
            return None
    except TypeError:
        pass  # a cell that cannot be looked up is no error, but another may be
    for argument, value in zip(metric.arguments, values, strict=True):
        if isinstance(value, str) and value in EXCEL_ERRORS:
            code = str(value)
            return CellError(code, HOLDS_AN_ERROR, {"name": argument.name, "cell": code})
    return None


@cache
def _divides_by(zero: Argument, metric: Metric) -> CellError:
    return ZeroDenominator(
        "{name} is 0 or blank, and the formula divides by it: {formula}",
        name=zero.name,
        formula=metric.formula,
    ).shown()


def _flat(value: Cell | Block | Flat) -> Flat:
    if type(value) is Flat:
        return value
    width = 1
    if type(value) is not list:
        cells = [value]
    else:
        try:
            cells = [cell for [cell] in value]  # one of each row
        except ValueError:
            cells, lengths = list(chain.from_iterable(value)), set(map(len, value))
            width = lengths.pop() if len(lengths) == 1 else 0
    return Flat(cells, set(map(type, cells)), width if cells else 0)


def _refuse_errors(metric: Metric, values: Sequence[Cell | Block]) -> list[Flat]:
    """The cells of each argument, none of them an error."""
    found: list[Flat] = []
    for argument, value in zip(metric.arguments, values, strict=True):
        flat = _flat(value)
        cells = flat.cells
        found.append(flat)
        try:
            # Of a million numbers it is quicker to see that they are numbers.
            if flat.kinds <= NUMBERS or _once(flat, "sound", EXCEL_ERRORS.isdisjoint, cells):
                continue
        except TypeError:
            pass  # a cell that cannot be looked up is no error, but one after it may be
        for cell in cells:
            if isinstance(cell, str) and cell in EXCEL_ERRORS:
                code = str(cell)
                raise ErrorCell(code, HOLDS_AN_ERROR, name=argument.name, cell=code)
    return found


def _once(column: Flat, what: object, read: Callable[..., Any], *given: Any) -> Any:
    """What is read of a column, once for all functions that are given it."""
    if column.known is None:
        return read(*given)
    if what not in column.known:
        column.known[what] = read(*given)
    return column.known[what]


def _refuse_ragged(arguments: Sequence[Argument], flat: list[Flat]) -> None:
    for argument, column in zip(arguments, flat, strict=True):
        if not column.width:
            raise _no_block(argument)


def _without_blank_rows(arguments: Sequence[Argument], flat: list[Flat]) -> list[Flat]:
    """Columns without the rows that are blank throughout: whole columns of a sheet have many."""
    given = [i for i, a in enumerate(arguments) if a.arg.column and not _left_out(a, flat[i])]
    filled = list(flat)
    for group in _groups(arguments, given):
        columns = [flat[i] for i in group]
        alike = len({len(column.cells) for column in columns}) == 1
        narrow = all(column.width == 1 for column in columns)
        if not (alike and narrow and _of_records([arguments[i] for i in group])):
            continue
        if any(column.kinds.isdisjoint(MAY_BE_BLANK) for column in columns):
            continue
        kept = _row_by_row(or_, map(_filled, columns))
        if any(kept) and not all(kept):
            for i in group:
                cells = list(compress(flat[i].cells, kept))
                filled[i] = Flat(cells, set(map(type, cells)), 1)
    return flat if all(map(is_, filled, flat)) else filled


def _filled(column: Flat) -> list[bool]:
    """Of each cell whether it is not blank."""
    return [cell is not None and cell != "" for cell in column.cells]


MAY_BE_BLANK = frozenset((type(None), str))


def _row_by_row(
    both: Callable[[bool, bool], bool], tests: Iterable[Sequence[bool]]
) -> Sequence[bool]:
    """Tests of the same rows as one."""
    first, *others = tests
    for test in others:
        first = list(map(both, first, test))
    return first


def _refuse_columns_outside(argument: Argument, value: Any, rows: Sequence[int]) -> None:
    """The same for a column, or several. Arrays were seen through as they were made."""
    if type(value) is list:
        for column in value if argument.arg.wide else [value]:
            _refuse_column_outside(argument, column, rows)


def _refuse_column_outside(argument: Argument, column: list[Any], rows: Sequence[int]) -> None:
    """The same for a column whose cells are those of some rows."""
    low, high = argument.domain.closed
    if argument.arg.unit is KEY:
        if float not in set(map(type, column)):
            return
        numbers = [cell for cell in column if type(cell) is float]
        if _all_between(-LARGEST_ID, numbers, LARGEST_ID):
            return
        for row, number in zip(rows, column, strict=True):
            if type(number) is float and abs(number) > LARGEST_ID:
                raise OutOfDomain(
                    "value {row} of {name} is {number}, a number of too many digits to be told from"
                    " others: write it as text",
                    row=row,
                    name=argument.name,
                    number=number,
                )
        return
    if not argument.domain.whole and _all_between(low, column, high):
        return
    for row, number in zip(rows, column, strict=True):
        if number is not None:
            _refuse_outside(argument, number, row)


def _refuse_outside(argument: Argument, number: float, row: int = 0) -> None:
    error = _outside(argument, number, row)
    if error:
        raise raised(error)


def _outside(argument: Argument, number: float, row: int = 0) -> CellError | None:
    """The error of a number that the argument cannot have (0 as a denominator comes later)."""
    low, high, domain = _bounds(argument)
    inside = low <= number <= high and not (argument.domain.whole and number % 1)
    if inside:
        return None
    where = argument.name
    if row:
        where = Message("value {row} of {name}", row=row, name=argument.name)
    if argument.arg.unit is DATE:
        text = "{where} is {number}, which is no date: they go from 1900-01-01 to 9999-12-31"
        return CellError(OutOfDomain.code, text, {"where": where, "number": number})
    if number == 0.0 and argument.arg.denominator:
        return None
    fields = {"where": where, "number": number, "domain": domain}
    return CellError(OutOfDomain.code, "{where} is {number}; it must be {domain}", fields)


@cache
def _bounds(argument: Argument) -> tuple[float, float, Message]:
    """The least and the greatest number that it can have, and how that is said."""
    return *argument.domain.closed, domain_message(argument.domain)


def _scalar(argument: Argument, cell: Cell) -> Any:
    read = _read_cell(argument, cell)
    if type(read) is CellError:
        raise raised(read)
    return read


def _read_cell(argument: Argument, cell: Cell) -> Any:
    """A cell as the kernel gets it, or the error of what it cannot be read as."""
    if cell is None or (isinstance(cell, str) and not cell):
        return _read_blank(argument)
    reader = _reader(argument)
    if reader is _number and isinstance(cell, str):
        # Not raised, which would take as long as all the rest.
        fields = {"name": argument.name, "text": _quoted(cell)}
        return CellError(WrongInput.code, "{name} is the text {text}, not a number", fields)
    try:
        read = reader(cell)
    except WrongInput as error:
        fields = {"name": argument.name, "wrong": error.shown()}
        return CellError(WrongInput.code, "{name} {wrong}", fields)
    return _read_blank(argument) if read is None else read  # a date of 0 is a blank one


def _read_blank(argument: Argument) -> Any:
    if not argument.required:
        return argument.default
    if argument.arg.unit is TEXT:
        return CellError(WrongInput.code, "{name} is blank", {"name": argument.name})
    return 0.0


def _columns(argument: Argument, column: Flat, *, arrays: bool) -> list[Any] | None:
    """A column's cells in row order, read, with None for blanks; None if it was left out.

    It is the one of a list, but for a wide argument, which has several.
    """
    if _left_out(argument, column):
        return None
    cells, kinds, width, _ = column
    if arrays and width == 1:
        what = argument.arg.unit, argument.arg.blank, argument.domain
        array = _once(column, what, _array, argument, cells, kinds)
        if array is not None:
            return [array]
    if not argument.arg.wide:
        width = 1
    read = _read_at_once(argument, cells, kinds)
    if read is None:
        reader = _reader(argument)
        read = []
        for place, cell in enumerate(cells):
            try:
                read.append(reader(cell))
            except WrongInput as wrong:
                row, at = divmod(place, width)
                raise WrongInput(
                    "row {row}, column {column} of {name} {wrong}"
                    if width > 1
                    else "row {row} of {name} {wrong}",
                    row=row + 1,
                    column=at + 1,
                    name=argument.name,
                    wrong=wrong.shown(),  # the error itself would hold all that there was
                ) from None
    return [read[start::width] for start in range(width)] if width > 1 else [read]


def _left_out(argument: Argument, column: Flat) -> bool:
    return not argument.required and column.cells in ([None], [""])


def _array(argument: Argument, cells: list[Cell], kinds: set[type]) -> Any:
    """The same cells as an array, or numbered keys; None if some need a closer look."""
    array = _read_array(argument, cells, kinds)
    numbers = getattr(array, "rows", array)
    if numbers is not None:
        numbers.setflags(write=False)  # it may be that of several functions
    return array


def _read_array(argument: Argument, cells: list[Cell], kinds: set[type]) -> Any:
    from kpi_xl.columns import days, keys, numbers

    if argument.arg.unit is DATE:
        return days(cells, kinds, DAY_0, argument.domain.high)
    if kinds <= NUMBERS:
        if argument.arg.unit is KEY:
            return numbers(cells, -LARGEST_ID, LARGEST_ID)
        return None if argument.domain.whole else numbers(cells, *argument.domain.closed)
    if argument.arg.unit is not KEY or bool in kinds:
        return None  # True and 1.0 are one key of a dict
    try:
        found = keys(cells)
        names = (
            found.names
            if kinds <= {float, str} and _are_read(found.names)
            else list(map(key, found.names))
        )
    except (WrongInput, TypeError):
        return None
    if None in names and argument.arg.blank != "keep":
        return None
    large = any(type(name) is float and abs(name) > LARGEST_ID for name in names)
    return None if large else found.renamed(names)


def _are_read(names: list[Cell]) -> bool:
    """Whether `key` leaves all these as they are, as far as their first and last letters tell."""
    try:
        texts = [name for name in names if type(name) is not float]
        starts, ends = (set(map(itemgetter(end), texts)) for end in (0, -1))
    except (IndexError, TypeError):  # an empty text, or what is neither a number nor a text
        return False
    return starts.isdisjoint(STARTS_OF_NUMBERS) and not any(map(str.isspace, starts | ends))


def _read_at_once(argument: Argument, cells: list[Cell], kinds: set[type]) -> list[Any] | None:
    """The same cells, read a kind at a time; None if each must be looked at by itself."""
    try:
        if kinds <= NUMBERS_AND_BLANKS and argument.arg.unit is not TEXT:
            if int in kinds:
                cells = [None if cell is None else float(cell) for cell in cells]
            if argument.arg.unit is DATE:
                return [math.floor(cell) if cell else None for cell in cells]
            return cells
        if kinds == {datetime} and argument.arg.unit is DATE:
            days = [day - DAY_0 for day in map(datetime.toordinal, cells)]
            return days if min(days) >= FIRST_DAY else None
        if bool in kinds:
            return None  # True and 1.0 are one key of a dict
        return list(map(_Known(_reader(argument)).__getitem__, cells))
    except (WrongInput, TypeError, ValueError, OverflowError):
        return None


class _Known(dict[Cell, Any]):
    """What each cell was read as, so that it is read once."""

    def __init__(self, reader: Callable[[Cell], Any]) -> None:
        self.reader = reader

    def __missing__(self, cell: Cell) -> Any:
        self[cell] = read = self.reader(cell)
        return read


def _pair(
    arguments: Sequence[Argument], read: list[Any], *, in_place: bool
) -> dict[int, Sequence[int]]:
    """Pair the columns of each group among the values read; those alone by themselves.

    `in_place`: the result has a cell for each row, so that blank ones that are kept stay. Of each
    column, by its argument's place, the numbers of the rows that its cells are in.
    """
    numbers: dict[int, Sequence[int]] = {}
    given = [i for i, a in enumerate(arguments) if a.arg.column and read[i] is not None]
    for group in _groups(arguments, given):
        owners = [i for i in group for _ in read[i]]
        kept = in_place and all(arguments[i].arg.blank == "keep" for i in group)
        paired, rows = _paired(
            [arguments[i] for i in owners], list(chain(*(read[i] for i in group))), in_place=kept
        )
        for i in group:
            columns = [c for owner, c in zip(owners, paired, strict=True) if owner == i]
            read[i] = columns if arguments[i].arg.wide else columns[0]
            numbers[i] = rows
    return numbers


def _groups(arguments: Sequence[Argument], given: Sequence[int]) -> list[list[int]]:
    """The places of columns that belong together row by row; those alone by themselves."""
    together = [i for i in given if not arguments[i].arg.alone]
    names = dict.fromkeys(arguments[i].arg.group for i in together)
    groups = [[i for i in together if arguments[i].arg.group == name] for name in names]
    return groups + [[i] for i in given if arguments[i].arg.alone]


def _paired(
    arguments: list[Argument], columns: list[list[Any]], *, in_place: bool
) -> tuple[list[list[Any]], Sequence[int]]:
    """Columns row by row: blanks skipped, kept, counted as 0 or refused, as each argument says.

    And the numbers of their rows.
    """
    rows: Sequence[int] = range(1, len(columns[0]) + 1)
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        heights = {a.name: n for a, n in zip(arguments, lengths, strict=True)}
        sizes = [Message("{name} has {rows} rows", name=a, rows=n) for a, n in heights.items()]
        raise WrongInput("the columns differ in length: {sizes}", sizes=Names(sizes, ", "))
    if not in_place:
        blank = [_has_blank(column) for column in columns]
        policies = {a.arg.blank for b, a in zip(blank, arguments, strict=True) if b}
        if not all(blank) and policies <= {"keep", "zero"}:  # no row is blank throughout
            columns = list(map(_with_zeros, arguments, columns, blank))
        elif policies - {"keep"} or _of_records(arguments):
            columns, rows = _without_blanks(arguments, columns)
    if not len(columns[0]):
        raise NotEnoughData("{name} holds no values", name=arguments[0].name)
    return columns, rows


def _of_records(arguments: Sequence[Argument]) -> bool:
    """Whether a blank row is none: where all columns keep their blanks, a row is a period."""
    return len(arguments) > 1 and any(argument.arg.blank != "keep" for argument in arguments)


def _has_blank(column: Any) -> bool:
    if type(column) is list:
        return None in column
    return None in getattr(column, "names", ())  # an array of numbers has none


def _without_blanks(
    arguments: Sequence[Argument], columns: list[Any]
) -> tuple[list[list[Any]], list[int]]:
    """Rows that are blank, or have a blank to be skipped, left out; blanks that count as 0 filled.

    Those to be refused are. And the numbers of the rows that are left.
    """
    columns = [column if type(column) is list else column.tolist() for column in columns]
    blank = [[cell is None for cell in column] for column in columns]
    policies = [argument.arg.blank for argument in arguments]
    left_out: list[Sequence[bool]] = [
        b for b, policy in zip(blank, policies, strict=True) if policy == "skip"
    ]
    if _of_records(arguments):
        left_out.append(_row_by_row(and_, blank))
    kept = [not out for out in _row_by_row(or_, [[False] * len(blank[0]), *left_out])]
    refused = [
        (next(compress(count(1), map(and_, b, kept)), math.inf), argument.name)
        for b, argument in zip(blank, arguments, strict=True)
        if argument.arg.blank == "refuse"
    ]
    row, name = min(refused, key=itemgetter(0), default=(math.inf, ""))
    if row < math.inf:
        raise WrongInput(
            "row {number} of {name} is blank, but not the rest of the row", number=row, name=name
        )
    columns = [list(compress(column, kept)) for column in columns]
    filled = list(map(_with_zeros, arguments, columns, map(any, blank)))
    return filled, list(compress(count(1), kept))


def _with_zeros(argument: Argument, column: Any, blank: bool) -> Any:
    """A column with 0 for its blanks, if they count as that."""
    if not blank or argument.arg.blank != "zero":
        return column
    return [0.0 if cell is None else cell for cell in column]


@cache
def _reader(argument: Argument) -> Callable[[Cell], Any]:
    arg = argument.arg
    if arg.words:
        return lambda cell: _word(cell, arg)
    if arg.unit is TEXT:
        return _text
    if arg.unit is DATE:
        return _day
    if arg.unit is KEY:
        return key
    if arg.logical:
        return lambda cell: cell if isinstance(cell, bool) else _number_or_blank(cell)
    return _number if not arg.column else _number_or_blank


def _number(cell: Cell) -> float:
    if isinstance(cell, str):
        raise WrongInput("is the text {text}, not a number", text=_quoted(cell))
    if isinstance(cell, date):
        return serial(cell)
    if isinstance(cell, float | int | Decimal):
        try:
            return float(cell)
        except (OverflowError, ValueError):  # an int too large, a Decimal that is a signalling NaN
            raise OutOfDomain("a number is too large for a cell") from None
    raise WrongInput("is of the type {kind}, not a number", kind=type(cell).__name__)


def _number_or_blank(cell: Cell) -> float | None:
    return None if cell is None or cell == "" else _number(cell)


def _day(cell: Cell) -> int | None:
    """A date as the whole serial number of its day; None for a blank."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, str):
        text = cell.strip()
        try:
            if len(text) == 10 or text[10:11] in {"T", " "}:
                return int(serial(datetime.fromisoformat(text)))
        except ValueError:
            pass
        raise WrongInput(
            "is the text {text}: write the date as 2024-01-31 or as an Excel date",
            text=_quoted(cell),
        )
    if isinstance(cell, bool):
        raise WrongInput("is TRUE or FALSE, not a date")
    number = _number(cell)
    if not -LARGEST <= number <= LARGEST:
        raise OutOfDomain("a date is not a finite number")
    return None if number == 0.0 else math.floor(number)


def key(cell: Cell) -> str | float | None:
    """What identifies a customer or a channel: 5 and "5" are one, and so are "Ann" and " Ann "."""
    if type(cell) is float:
        return cell
    if isinstance(cell, bool):
        return str(cell).upper()
    if not isinstance(cell, str):
        return None if cell is None else _number(cell)
    text = cell.strip()
    if text[:1] not in STARTS_OF_NUMBERS or text[-1] not in DIGITS:
        return text or None
    try:
        number = float(text)
    except ValueError:
        return text
    return number if text in (f"{number:.15g}", str(number)) else text


DIGITS = frozenset("0123456789")
STARTS_OF_NUMBERS = DIGITS | {"-"}
"""How a number begins that is written as numbers are shown."""


def _text(cell: Cell) -> str:
    if not isinstance(cell, str):
        raise WrongInput("must be text")
    return cell.strip()


def _word(cell: Cell, arg: Arg) -> str:
    if cell in arg.words:
        return str(cell)
    for word in arg.words:
        if isinstance(cell, str) and cell.strip().lower() == word.lower():
            return word
    allowed = ", ".join(f'"{word}"' for word in arg.shown or arg.words)
    raise WrongInput("is {text}; it must be one of {allowed}", text=_quoted(cell), allowed=allowed)


def _quoted(cell: Cell) -> str:
    text = str(cell)
    return f'"{text if len(text) <= 40 else text[:37] + "..."}"'
