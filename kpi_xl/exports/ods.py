"""What the reader of workbooks does not tell of OpenDocument spreadsheets."""

from collections import defaultdict
from collections.abc import Mapping
from xml.etree import ElementTree

from kpi_xl.ooxml.limits import DAMAGED, faults, opened

TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
CELLS = f"{TABLE}table-cell", f"{TABLE}covered-table-cell"


def errors_in(content: bytes) -> Mapping[str, Mapping[tuple[int, int], str]]:
    """The cells with errors, as a row and a column from 1, by their sheet; the reader has blanks.

    Raises NotAWorkbookError.
    """
    found: defaultdict[str, dict[tuple[int, int], str]] = defaultdict(dict)
    sheet, row, column = "", 1, 1
    with opened(content) as package, faults(DAMAGED), package.open("content.xml") as part:
        for event, element in ElementTree.iterparse(part, ("start", "end")):
            if event == "start":
                if element.tag == f"{TABLE}table":
                    sheet, row, column = element.get(f"{TABLE}name", ""), 1, 1
            elif element.tag in CELLS:
                if element.get(f"{CALC}value-type") == "error":
                    found[sheet][row, column] = "".join(element.itertext())
                column += int(element.get(f"{TABLE}number-columns-repeated", 1))
                element.clear()
            elif element.tag == f"{TABLE}table-row":
                row, column = row + int(element.get(f"{TABLE}number-rows-repeated", 1)), 1
                element.clear()
    return found
