"""What is wrong with a workbook's file as a whole."""


class NotAWorkbookError(ValueError):
    """The file is not a workbook that can be read, with the sentence that says why."""
