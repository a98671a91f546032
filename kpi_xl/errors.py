"""What a cell shows when there is no number: an Excel error code, and a sentence that says why."""

EXCEL_ERRORS = frozenset(
    (
        *("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"),
        *("#SPILL!", "#CALC!", "#GETTING_DATA", "#BLOCKED!", "#BUSY!", "#CONNECT!"),
        *("#EXTERNAL!", "#FIELD!", "#PYTHON!", "#TIMEOUT!", "#UNKNOWN!"),
    )
)
"""Every error that a cell can hold, as the text that the hosts hand over and take back."""


class CellError(str):
    """An error in a result: the text that Excel shows (`#DIV/0!`), carrying its sentence.

    It is a `str`, so that xlwings and JSON pass it on as the plain text that they expect.
    """

    __slots__ = ("sentence",)
    sentence: str

    def __new__(cls, code: str, sentence: str) -> "CellError":
        """Join the code that the cell shows and the sentence."""
        shown = str.__new__(cls, code)
        shown.sentence = sentence
        return shown

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        """What a copy is made of, also one for another process."""
        return str(self), self.sentence


class KpiError(ValueError):
    """A KPI that has no value for these arguments: an Excel error code and a sentence."""

    code = "#VALUE!"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence

    def shown(self) -> CellError:
        """The error as the cell shows it."""
        return CellError(self.code, self.sentence)


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

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


KINDS = {kind.code: kind for kind in (WrongInput, OutOfDomain, ZeroDenominator, NotEnoughData)}
"""The exception of each code that a function itself can give."""
