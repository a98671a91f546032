"""Documents of LibreOffice: their formulas bound to the functions, read, saved with plain names.

It runs in LibreOffice's Python. LibreOffice 7.4 resolves the functions in an .xlsx file only as
`KPI.CAC`: so the formulas of one that Excel or XlsxWriter wrote are entered again when it is
opened, and a file that LibreOffice wrote is given plain names.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from kpi_xl.hosts.libreoffice.blocks import Size, fit, size
from kpi_xl.hosts.libreoffice.names import (
    LONG_NAME,
    NEWER_NAME,
    borrowed,
    bound,
    plain,
    unbound,
    unresolved,
)
from kpi_xl.hosts.libreoffice.sheets import (
    SPREADSHEET,
    formula_blocks,
    formula_of,
    formula_runs,
    quietly,
)
from kpi_xl.hosts.libreoffice.tables import columns, grow, is_ours, named
from kpi_xl.locales import Message

CODES = {
    532: "#DIV/0!",
    32767: "#N/A",
    519: "#VALUE!",
    524: "#REF!",
    525: "#NAME?",
    503: "#NUM!",
    521: "#NULL!",
}
"""Calc's numbers of the errors that Excel has, too."""

OPENED = ("OnLoadFinished", "OnNew")
SAVING = ("OnSave", "OnSaveAs", "OnCopyTo")
SAVED = ("OnSaveDone", "OnSaveAsDone")
"""The events of documents that matter."""

AT_REST = "IsAtRest"
"""No event: what a script that drives Calc asks the job, to know when a workbook has followed."""

XLSX = "Calc MS Excel 2007 XML"  # the name of the filter; that of .xltx has more behind it
ODS = "calc8"
PARTS = re.compile(r"xl/(worksheets/[^/]+|workbook)\.xml")
IN_PARTS = re.compile(r"(<(f|formula|formula1|formula2|definedName)\b[^>]*>)([^<]+)(</\2>)")


def event(arguments: Any) -> dict[str, Any]:
    """What a job is told: the event's name, and the document's model."""
    environment = next(given.Value for given in arguments if given.Name == "Environment")
    return {given.Name: given.Value for given in environment}


def missing_package(missing: ImportError) -> Message:
    """The sentence for a function whose packages are not there."""
    version = ".".join(map(str, sys.version_info[:2]))
    text = (
        "needs the package {package}, which LibreOffice's Python {version} does not find: install"
        " kpi_xl with a Python {version}, then run kpi-xl install --host libreoffice"
    )
    return Message(text, package=missing.name, version=version)


# Opened


def bind(document: Any) -> int:
    """Enter the formulas that call the functions by their plain names; how many there were.

    In a workbook of ours newer functions of Excel's are bound, too, and formulas that a file has
    without its tables get them back; what others have written with those is left as it is. Whether
    the document counts as changed stays as it was.
    """
    if not document.supportsService(SPREADSHEET):
        return 0
    changed = document.isModified()
    ours = is_ours(document)
    known = columns(document) if ours and not is_xlsx(document) else {}
    over_tables = named(known) if known else None

    def entered(formula: str) -> str | None:
        """A formula as it is to be entered; None for one that is well as it is."""
        new = over_tables(formula) if over_tables else formula
        if unbound(new, newer=ours):  # by the same name, perhaps, which is found when it is entered
            return f"={bound(new.removeprefix('='))}"
        return new if new != formula else None

    with quietly(document):
        count = sum(_enter_anew(sheet, entered) for sheet in document.Sheets)
        for name in defined_names(document):
            content = entered(name.getContent())
            if content is not None:
                name.setContent(content.removeprefix("="))
                count += 1
    if count:
        document.calculate()
        document.setModified(changed)
    return count


def defined_names(document: Any) -> Iterator[Any]:
    """The names of a workbook and of its sheets."""
    return chain(document.NamedRanges, *(sheet.NamedRanges for sheet in document.Sheets))


def is_xlsx(document: Any) -> bool:
    """Whether a document was opened from a file, or saved as one, that keeps its tables."""
    given = {setting.Name: setting.Value for setting in document.getArgs()}
    return str(given.get("FilterName", "")).startswith(XLSX)


def _enter_anew(sheet: Any, entered: Callable[[str], str | None]) -> int:
    """Enter those formulas of a sheet that have to be, as `entered` has them; how many."""
    count = 0
    for cells, texts in formula_runs(sheet):
        if texts is None:
            formula = entered(formula_of(cells))
            if formula is not None:
                cells.setArrayFormula(formula)
                count += 1
            continue
        place = 0
        for has_to, run in groupby(map(entered, texts), key=lambda formula: formula is not None):
            formulas = list(run)
            if has_to:
                part = cells.getCellRangeByPosition(0, place, 0, place + len(formulas) - 1)
                part.setFormulaArray(tuple((formula,) for formula in formulas))
                count += len(formulas)
            place += len(formulas)
    return count


# Changed


def follow(document: Any) -> list[str]:
    """Let tables and blocks follow what was typed, where the workbook is ours.

    The cells of blocks that have no room are the answer.
    """
    if not document.supportsService(SPREADSHEET) or not is_ours(document):
        return []
    return fit(document) if grow(document) else []


# Saved


def tidy(document: Any) -> None:
    """Give the .xlsx file that a document was just saved as the names that Excel has.

    Its time stays, so that LibreOffice does not take it for another's work.
    """
    url = document.getURL()
    if is_xlsx(document) and url.startswith("file:"):  # and on no server
        import uno

        tidy_file(Path(uno.fileUrlToSystemPath(url)))


def tidy_file(path: Path) -> None:
    """Give the formulas of an .xlsx file that LibreOffice wrote the names that Excel has."""
    from kpi_xl.files import write_whole

    content, times = path.read_bytes(), path.stat()
    new = tidied(content)
    if new != content:
        write_whole(path, new, force=True)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def tidied(content: bytes) -> bytes:
    """A workbook of LibreOffice with the functions' names as Excel has them.

    One that was saved with a password, which is no archive, stays as it is.
    """
    import io
    import zipfile

    from kpi_xl.ooxml.archive import with_members

    if not zipfile.is_zipfile(io.BytesIO(content)):
        return content
    changed = {}
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        for part in package.namelist():
            if PARTS.fullmatch(part):
                old = package.read(part).decode("utf-8")
                new = IN_PARTS.sub(lambda m: m[1] + _plain_xml(m[3]) + m[4], old)
                if new != old:
                    changed[part] = new.encode("utf-8")
    return with_members(content, changed)


def _plain_xml(text: str) -> str:
    from xml.sax.saxutils import escape, unescape

    formula = unescape(text, {"&quot;": '"', "&apos;": "'"})
    if not LONG_NAME.search(formula) and not NEWER_NAME.search(formula):
        return text
    return escape(plain(formula), {'"': "&quot;"})


# The menu


def menu(context: Any, command: str, reports: Callable[[], Any]) -> None:
    """Do an entry of the menu for the document in front, or make a new one, and tell of it.

    "bind", "new:" and a template's name, or a report's name. `reports` is what does the last two.
    """
    what, _, name = command.partition(":")
    if what == "new":
        reports().new_workbook(context, name)
        return
    document = service(context, "com.sun.star.frame.Desktop").getCurrentComponent()
    if document is None or not document.supportsService(SPREADSHEET):
        return
    if what == "bind":
        bind(document)
        follow(document)
        fit(document)
        return
    sentence, mistake = reports().outcome(document, command, office_language(context))
    show(context, sentence, mistake=mistake)


def office_language(context: Any) -> str:
    """The language of LibreOffice, or English."""
    from kpi_xl.locales import chosen

    provider = service(context, "com.sun.star.configuration.ConfigurationProvider")
    place = settings(nodepath="/org.openoffice.Setup/L10N")
    view = "com.sun.star.configuration.ConfigurationAccess"
    try:
        return chosen(provider.createInstanceWithArguments(view, place).ooLocale or None)
    except LookupError:
        return "en"


def show(context: Any, sentence: str, *, mistake: bool = True) -> None:
    """Show a sentence in a window."""
    from com.sun.star.awt.MessageBoxType import ERRORBOX, INFOBOX

    desktop = service(context, "com.sun.star.frame.Desktop")
    window = desktop.getCurrentFrame().getContainerWindow()
    toolkit = service(context, "com.sun.star.awt.Toolkit")
    kind = ERRORBOX if mistake else INFOBOX
    toolkit.createMessageBox(window, kind, 1, "KPI", sentence).execute()


def service(context: Any, name: str) -> Any:
    """One of LibreOffice's services."""
    return context.ServiceManager.createInstanceWithContext(name, context)


def settings(**values: Any) -> tuple[Any, ...]:
    """Settings as LibreOffice takes them."""
    from com.sun.star.beans import PropertyValue

    return tuple(PropertyValue(name, 0, value, 0) for name, value in values.items())


# Without windows


def perform(context: Any, file: Path, reports: Callable[[], Any]) -> None:
    """Do what a file says, and write the answers beside it; null for a book that does not open.

    `new`: make a workbook from that template, and answer as with `values`.
    For each of its books: open it, which binds its formulas; then, in the order of the file:
    `only`: print these sheets alone; `cover`: write these texts (left, right) over their pages, and
    put a picture file, if one is named third, into their upper corner; `pdf`, `save`: write it as
    that; `reports`: do these of the menu, each with a sheet and a cell
    chosen, and answer what they tell, the work of `reports`, as with `new`;
    `values`: answer what its formula cells show, which of them call functions that LibreOffice has
    not got (`unknown`), or Excel's newer ones that it has from us (`borrowed`), which defined names
    call either (`names`), and how large the blocks of the array formulas in the cells of `blocks`
    (sheet, row, column) would be (`sizes`).
    """
    import uno
    from com.sun.star.lang import IllegalArgumentException

    desktop = service(context, "com.sun.star.frame.Desktop")
    answers: list[dict[str, Any] | None] = []
    for task in json.loads(file.read_text(encoding="utf-8")):
        if "new" in task:
            document = reports().new_workbook(context, task["new"])
            answers.append({"sheets": {sheet.Name: _shown(sheet) for sheet in document.Sheets}})
            document.close(True)
            continue
        url = uno.systemPathToFileUrl(task["book"])
        hidden = settings(Hidden=True, MacroExecutionMode=0, UpdateDocMode=0)
        try:
            document = desktop.loadComponentFromURL(url, "_blank", 0, hidden)
        except IllegalArgumentException:  # nobody is there to be asked for a password
            document = None
        if document is None or not hasattr(document, "Sheets"):
            answers.append(None)
            continue
        answers.append(_done(context, document, task, reports))
        document.close(True)
    file.with_suffix(".answer").write_text(json.dumps(answers), encoding="utf-8")


def _done(
    context: Any, document: Any, task: dict[str, Any], reports: Callable[[], Any]
) -> dict[str, Any]:
    """What a task asks of an open document, done in its order; the answer."""
    import uno

    answer: dict[str, Any] = {}
    for what, asked in task.items():
        if what == "values":
            document.calculateAll()
            answer["sheets"] = {sheet.Name: _shown(sheet) for sheet in document.Sheets}
            answer["unknown"] = _cells_of(document, unresolved)
            answer["borrowed"] = _cells_of(document, borrowed)
            contents = {name.Name: name.getContent() for name in defined_names(document)}
            answer["names"] = [
                n for n, text in contents.items() if unresolved(text) or borrowed(text)
            ]
            answer["sizes"] = [_size(document, *place) for place in task.get("blocks", [])]
        elif what == "reports":
            answer["told"] = [
                reports().outcome(_chosen(document, *place), command, office_language(context))
                for *place, command in asked
            ]
        elif what == "only":
            _print_only(document, asked)
        elif what == "cover":
            for name in task.get("only", document.Sheets.ElementNames):
                _cover(context, document, document.Sheets.getByName(name), *asked)
        elif what == "pdf":
            target = uno.systemPathToFileUrl(asked)
            document.storeToURL(target, settings(FilterName="calc_pdf_Export"))
        elif what == "save":
            target = uno.systemPathToFileUrl(asked)
            ours = ODS if asked.lower().endswith(".ods") else XLSX
            document.storeAsURL(target, settings(FilterName=ours))
    return answer


def _print_only(document: Any, names: list[str]) -> None:
    """Give the other sheets no print area: LibreOffice prints those alone that have one."""
    for sheet in document.Sheets:
        if sheet.Name not in names:
            sheet.setPrintAreas(())
        elif not sheet.getPrintAreas():
            cursor = sheet.createCursor()
            cursor.gotoEndOfUsedArea(True)
            cursor.gotoStartOfUsedArea(True)
            sheet.setPrintAreas((cursor.RangeAddress,))


LOGO = 1_100  # the height of a logo, in hundredths of a millimetre: a title and a line


def _cover(context: Any, document: Any, sheet: Any, left: str, right: str, logo: str) -> None:
    """Write a line over a sheet's pages, and put a logo into the corner where its lines end."""
    style = document.StyleFamilies.getByName("PageStyles").getByName(sheet.PageStyle)
    style.HeaderIsOn = True
    content = style.RightPageHeaderContent
    content.LeftText.String, content.CenterText.String = left, ""
    content.RightText.String = right
    style.RightPageHeaderContent = content
    if not logo:
        return
    import uno
    from com.sun.star.awt import Point, Size

    provider = service(context, "com.sun.star.graphic.GraphicProvider")
    graphic = provider.queryGraphic(settings(URL=uno.systemPathToFileUrl(logo)))
    shape = document.createInstance("com.sun.star.drawing.GraphicObjectShape")
    sheet.DrawPage.add(shape)
    shape.Graphic = graphic
    pixels = graphic.SizePixel
    width = LOGO * pixels.Width // max(pixels.Height, 1)
    shape.setSize(Size(width, LOGO))
    (printed, *_) = sheet.getPrintAreas()
    corner = sheet.getCellByPosition(printed.EndColumn, 0)
    edge = corner.Position.X if corner.Position.X < 0 else corner.Position.X + corner.Size.Width
    shape.setPosition(Point(edge if edge < 0 else edge - width, 0))


def _chosen(document: Any, sheet: str, cell: str) -> Any:
    """The document, with a cell of a sheet chosen."""
    controller = document.CurrentController
    controller.setActiveSheet(document.Sheets.getByName(sheet))
    controller.select(controller.ActiveSheet.getCellRangeByName(cell))
    return document


def _shown(sheet: Any) -> list[list[Any]]:
    """What the formula cells of a sheet show: row, column, value, or the number of an error."""
    shown: list[list[Any]] = []
    for block in formula_blocks(sheet):
        place = block.RangeAddress
        for i, row in enumerate(block.getDataArray()):
            for j, value in enumerate(row):
                error = block.getCellByPosition(j, i).getError() if value is None else 0
                where = [place.StartRow + i + 1, place.StartColumn + j + 1]
                shown.append([*where, value, error])
    return shown


def _cells_of(document: Any, kind: Callable[[str], bool]) -> list[tuple[str, int, int]]:
    """The cells whose formulas are of a kind."""
    return [
        (sheet.Name, block.RangeAddress.StartRow + i, block.RangeAddress.StartColumn + j)
        for sheet in document.Sheets
        for block in formula_blocks(sheet)
        for i, row in enumerate(block.getFormulaArray(), 1)
        for j, text in enumerate(row, 1)
        if kind(text)
    ]


def _size(document: Any, name: str, row: int, column: int) -> Size:
    first = document.Sheets.getByName(name).getCellByPosition(column - 1, row - 1)
    return size(document, first, formula_of(first))
