"""What putting kpi_xl into a spreadsheet program consists of: steps that can be shown or done."""

from collections.abc import Callable
from typing import NamedTuple


class Step(NamedTuple):
    """A thing to do: what it is, in a line that names its files, and the doing of it.

    A step may be repeated: what is already as it should be stays as it is.
    """

    what: str
    do: Callable[[], None]
