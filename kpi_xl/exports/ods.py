"""What the reader of workbooks does not tell of OpenDocument spreadsheets."""

from array import array
from collections.abc import Mapping
from xml.etree import ElementTree

from kpi_xl.exports.cells import amount_of
from kpi_xl.ooxml.addresses import LAST_ROW
from kpi_xl.ooxml.limits import DAMAGED, faults, opened
from kpi_xl.ooxml.package import Untold

TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
CELLS = f"{TABLE}table-cell", f"{TABLE}covered-table-cell"
NUMBERS = "currency", "float"


def untold_in(content: bytes) -> Mapping[str, Untold]:
    """The same of each sheet, by its name. Raises NotAWorkbookError."""
    found: dict[str, Untold] = {}
    seen, row, column = Untold({}, [], [], {}), 1, 1
    signs: dict[int, dict[str, array[int]]] = {}
    with opened(content) as package, faults(DAMAGED), package.open("content.xml") as part:
        for event, element in ElementTree.iterparse(part, ("start", "end")):
            if event == "start":
                if element.tag == f"{TABLE}table":
                    signs = {}
                    seen, row, column = Untold({}, [], [], signs), 1, 1
                    found[element.get(f"{TABLE}name", "")] = seen
            elif element.tag in CELLS:
                if element.get(f"{CALC}value-type") == "error":
                    seen.errors[row, column] = "".join(element.itertext())
                elif element.get(f"{OFFICE}value-type") in NUMBERS and (sign := _sign(element)):
                    signs.setdefault(column, {}).setdefault(sign, array("I")).append(row)
                down, right = (
                    int(element.get(f"{TABLE}number-{what}-spanned", 1))
                    for what in ("rows", "columns")
                )
                if down * right > 1:
                    seen.merged.append((row, column, row + down - 1, column + right - 1))
                column += int(element.get(f"{TABLE}number-columns-repeated", 1))
                element.clear()
            elif element.tag == f"{TABLE}table-row":
                times = int(element.get(f"{TABLE}number-rows-repeated", 1))
                if element.get(f"{TABLE}visibility", "visible") != "visible" and row < LAST_ROW:
                    seen.hidden.extend(range(row, min(row + times, LAST_ROW)))
                row, column = row + times, 1
                element.clear()
    return found


def _sign(element: ElementTree.Element) -> str:
    """The sign, or the code, of the currency in which a number is shown."""
    if code := element.get(f"{OFFICE}currency", ""):
        return code
    shown = amount_of("".join(element.itertext()).strip())
    return shown.sign if shown else ""
