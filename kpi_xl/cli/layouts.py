"""kpi-xl layouts: which exports are known, what a file is taken for, a layout of one's own."""

from typing import TYPE_CHECKING, Annotated

import typer

from kpi_xl.cli.shared import Misuse

if TYPE_CHECKING:
    from kpi_xl.exports import Layout, Said

HEADER = Annotated[
    int | None, typer.Option(help="The row that has the names of the columns.", metavar="ROW")
]
DATES = Annotated[
    str | None, typer.Option(help="How dates are written.", metavar="dmy|mdy|ymd|jalali")
]
NUMBERS = Annotated[
    str | None, typer.Option(help="How a number is written: 1.234,5 or 1,234.5.", metavar="1.234,5")
]
ENCODING = Annotated[str | None, typer.Option(help="Such as cp1251.", metavar="NAME")]
SET = Annotated[
    list[str] | None,
    typer.Option("--set", help="A value of ours for all rows.", metavar="channel=Meta"),
]
WHERE = Annotated[
    list[str] | None,
    typer.Option("--where", help="Only rows with this value count.", metavar='"Status=Paid"'),
]
ONCE = Annotated[
    str | None,
    typer.Option(help="A column of which each value counts once.", metavar='"Order ID"'),
]
CURRENCY = Annotated[
    str | None, typer.Option(help="The currency of a file that does not say it.", metavar="EUR")
]
NET = Annotated[
    bool, typer.Option("--net", help="Revenue without tax and shipping, where the file has them.")
]


def spoken(
    header: int | None,
    dates: str | None,
    numbers: str | None,
    encoding: str | None,
    constants: list[str] | None,
    where: list[str] | None,
    once: str | None,
    currency: str | None,
    *,
    net: bool,
) -> "Said":
    """What the options say of files. Raises Misuse."""
    from kpi_xl.exports import said
    from kpi_xl.sources import SourceError

    single = {"dates": dates, "numbers": numbers, "encoding": encoding, "once": once,
              "currency": currency, "header": None if header is None else str(header)}  # fmt: skip
    given = [(name, value) for name, value in single.items() if value is not None]
    given += [("set", value) for value in constants or ()]
    given += [("where", value) for value in where or ()]
    given += [("net", "")] * net
    try:
        return said(given)
    except SourceError as error:
        raise Misuse(str(error)) from None


def all_layouts() -> "list[Layout]":
    """The layouts of the user, and ours. Raises Misuse."""
    from kpi_xl.exports import known_layouts
    from kpi_xl.reports.folders import layouts_folder
    from kpi_xl.sources import SourceError

    try:
        return known_layouts(layouts_folder())
    except SourceError as error:
        raise Misuse(str(error)) from None
