"""What a cell shows when there is no number: an Excel error code, and a sentence that says why."""

import copyreg
from typing import Any, Self

from kpi_xl.locales import Message

EXCEL_ERRORS = frozenset(
    (
        *("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"),
        *("#SPILL!", "#CALC!", "#GETTING_DATA", "#BLOCKED!", "#BUSY!", "#CONNECT!"),
        *("#EXTERNAL!", "#FIELD!", "#PYTHON!", "#TIMEOUT!", "#UNKNOWN!"),
    )
)
"""Every error that a cell can hold, as the text that the hosts hand over and take back."""
NOT_COMPUTED = "#BUSY!"
"""What stands for the value of a formula of a file that no program has computed."""


class CellError(str):
    """An error in a result: the text that Excel shows (`#DIV/0!`), carrying its sentence.

    It is a `str`, so that xlwings and JSON pass it on as the plain text that they expect. The
    sentence is put together when somebody reads it: a column may have 100,000 errors.
    """

    __slots__ = ("fields", "template")
    template: str
    fields: dict[str, Any] | None

    def __new__(
        cls, code: str, template: str, fields: dict[str, Any] | None = None, /
    ) -> "CellError":
        """Join the code that the cell shows and the sentence: a text, or a template's fields."""
        shown = str.__new__(cls, code)
        shown.template, shown.fields = template, fields
        return shown

    def __getnewargs__(self) -> tuple[str, str, dict[str, Any] | None]:  # type: ignore[override]
        """What a copy is made of, also one for another process."""
        return str(self), self.template, self.fields

    @property
    def sentence(self) -> str:
        """Why there is no number; a `Message` where it can be said in other languages."""
        if self.fields is None:
            return self.template
        said = {
            name: one.sentence if isinstance(one, CellError) else one
            for name, one in self.fields.items()
        }
        return Message(self.template, **said)


class KpiError(ValueError):
    """A KPI that has no value for these arguments: an Excel error code and a sentence.

    The sentence is a template with {fields}, filled in when somebody reads it.
    """

    code = "#VALUE!"
    fields: dict[str, Any] | None

    def __init__(self, template: str, /, **fields: Any) -> None:
        self.args, self.fields = (template,), fields  # a subclass may take others

    def __reduce__(self) -> tuple[Any, ...]:
        # Made without its `__init__`, and of no function, which a child of ours may not hand over.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]

    def __str__(self) -> str:
        return str(self.sentence)  # and no Message, which could be said again

    @property
    def sentence(self) -> str:
        """Why there is no number; a `Message` where it can be said in other languages."""
        return self.shown().sentence

    def shown(self) -> CellError:
        """The error as the cell shows it."""
        return CellError(self.code, self.args[0], self.fields)

    def in_english(self) -> Self:
        """The same with its sentence as it is, where no other language has it: a user's own."""
        self.args, self.fields = (str(self),), None
        return self


class WrongInput(KpiError):
    """Text where a number belongs, a wrong shape, an unknown option word: `#VALUE!`."""


class OutOfDomain(KpiError):
    """A number that its argument cannot have: `#NUM!`."""

    code = "#NUM!"


class ZeroDenominator(KpiError):
    """A division by zero or by a blank: `#DIV/0!`."""

    code = "#DIV/0!"


class NotEnoughData(KpiError):
    """Too little data for the answer: `#N/A`."""

    code = "#N/A"


class ErrorCell(KpiError):
    """An argument that already holds an error, which passes through unchanged."""

    def __init__(self, code: str, template: str, /, **fields: Any) -> None:
        super().__init__(template, **fields)
        self.code = code


KINDS = {kind.code: kind for kind in (WrongInput, OutOfDomain, ZeroDenominator, NotEnoughData)}
"""The exception of each code that a function itself can give."""


def raised(error: CellError) -> KpiError:
    """The exception of an error that a function itself gives, to be raised."""
    return KINDS[str(error)](error.template, **error.fields or {})
