"""What is wrong with a workbook's file as a whole."""

from kpi_xl.locales import FaultError


class NotAWorkbookError(FaultError):
    """The file is not a workbook that can be read, with the sentence that says why."""
