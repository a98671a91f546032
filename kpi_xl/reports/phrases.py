"""What reports say, in the workbook's language."""

from kpi_xl.locales import say


def phrase(text: str, language: str, /, **fields: object) -> str:
    """An English text in a language, its {fields} filled in."""
    return say(text, language, "phrases").format(**fields)
