"""Workbooks and tables made to harm their reader, or damaged, by kinds; the same ones each time.

What each of them does to the functions that read files is told by `outcomes`, for a child process:
a sentence, a value, or a fault of ours with its traceback.
"""

import gzip
import io
import random
import re
import struct
import traceback
import zipfile
from collections.abc import Iterator
from pathlib import Path

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
FORM = "application/vnd.openxmlformats-officedocument.spreadsheetml"
PARTS = {
    "[Content_Types].xml": f'{HEAD}<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels"'
    ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{FORM}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{FORM}.worksheet+xml"/>'
    f'<Override PartName="/xl/sharedStrings.xml" ContentType="{FORM}.sharedStrings+xml"/></Types>',
    "_rels/.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>",
    "xl/workbook.xml": f'{HEAD}<workbook {MAIN} xmlns:r="{OFFICE}"><sheets>'
    '<sheet name="Orders" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    "</Relationships>",
    "xl/worksheets/sheet1.xml": f'{HEAD}<worksheet {MAIN}><dimension ref="A1:E4"/><sheetData>'
    '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>'
    '<c r="C1" t="s"><v>2</v></c></row>'
    + "".join(
        f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}" t="inlineStr"><is><t>2024-01-0{n}</t>'
        f'</is></c><c r="C{n}"><v>{n}0</v></c><c r="E{n}"><f>CAC(C{n},A{n})</f><v>1</v></c></row>'
        for n in (2, 3, 4)
    )
    + "</sheetData></worksheet>",
    "xl/sharedStrings.xml": f'{HEAD}<sst {MAIN} count="3" uniqueCount="3"><si><t>customer</t></si>'
    "<si><t>date</t></si><si><t>amount</t></si></sst>",
}
"""A workbook of three orders, as a spreadsheet program writes it; each kind changes one thing."""

FOUND = Path(__file__).parent / "readers"
"""Files that have broken a reader once."""

SHEET, TEXTS, BOOK = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml"
END = "</sheetData>"


def packed(parts: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return out.getvalue()


def with_part(name: str, content: str | bytes, **more: str | bytes) -> bytes:
    return packed({**PARTS, name: content, **more})


def with_rows(rows: str) -> bytes:
    return with_part(SHEET, PARTS[SHEET].replace(END, rows + END))


def with_table(reference: str) -> bytes:
    columns = "".join(
        f'<tableColumn id="{n}" name="{name}"/>'
        for n, name in enumerate(("customer", "date", "amount"), start=1)
    )
    relation = (
        f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{OFFICE}/table" Target="../tables/table1.xml"/></Relationships>'
    )
    table = (
        f'{HEAD}<table {MAIN} id="1" name="Orders" displayName="Orders" ref="{reference}">'
        f'<tableColumns count="3">{columns}</tableColumns></table>'
    )
    sheet = PARTS[SHEET].replace(
        END, f'{END}<tableParts count="1"><tablePart xmlns:r="{OFFICE}" r:id="rId1"/></tableParts>'
    )
    return packed(
        PARTS
        | {SHEET: sheet, "xl/tables/table1.xml": table}
        | {"xl/worksheets/_rels/sheet1.xml.rels": relation}
    )


def patched(content: bytes, offset: int, form: str, value: int) -> bytes:
    """The archive with a field of the headers of its sheet changed, as both places have it."""
    out = bytearray(content)
    name = SHEET.encode()
    for mark, shift, length in ((b"PK\3\4", 0, 30), (b"PK\1\2", 2, 46)):
        for found in re.finditer(re.escape(mark), content):
            if content[found.start() + length :].startswith(name):
                struct.pack_into(form, out, found.start() + offset + shift, value)
    return bytes(out)


def workbooks() -> Iterator[tuple[str, bytes]]:
    """Each kind by its name, and the damage that chance does."""
    yield from of_cells()
    yield from of_parts()
    yield from of_formulas()
    yield from of_archives()
    yield from of_chance()


def of_cells() -> Iterator[tuple[str, bytes]]:
    """Cells far away, tables of nothing, texts of no list."""
    for cell in ("AZ1048576", "XFD1048576", "XFD1", "A1048576", "XFE1", "A1048577", "A0"):
        row = re.sub("[A-Z]+", "", cell)
        yield f"far {cell}", with_rows(f'<row r="{row}"><c r="{cell}"><v>1</v></c></row>')
    yield "letters", with_rows(f'<row r="9"><c r="{"A" * 10_000}9"><v>1</v></c></row>')
    yield "row of digits", with_rows(f'<row r="{"9" * 5000}"><c><v>1</v></c></row>')
    yield "far in other quotes", with_rows("<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>")
    for reference in ("A1:C1", "A1:C4", "A1:XFD1048576", "A9:C9", "C4:A1", "x", "A1:C99999999"):
        yield f"table {reference}", with_table(reference)
    for number in ("abc", "-1", "3", "99999999999999999999", "1.5", ""):
        cell = f'<row r="5"><c r="A5" t="s"><v>{number}</v></c></row>'
        yield f"shared text {number}", with_rows(cell)
        yield f"shared text {number} of a formula", with_rows(cell.replace("<v>", "<f>1</f><v>"))
        yield f"shared text {number} in lines", with_rows(cell.replace("<v>", "\n<v x='y'> "))
    yield "two sheetData", with_part(SHEET, PARTS[SHEET].replace(END, f"{END}<sheetData>{END}"))
    yield "rows backwards", with_rows('<row r="2"><c r="A2"><v>1</v></c></row>')


def of_parts() -> Iterator[tuple[str, bytes]]:
    """Parts that are missing, empty, or of another form."""
    for name in PARTS:
        yield f"without {name}", packed({k: v for k, v in PARTS.items() if k != name})
        yield f"empty {name}", with_part(name, "")
        yield f"other root in {name}", with_part(name, f"{HEAD}<other/>")
        yield (
            f"closed root in {name}",
            with_part(name, re.sub(r"(<\w+ [^>]*)>.*", r"\1/>", PARTS[name])),
        )
        yield f"UTF-16 {name}", with_part(name, PARTS[name].encode("utf-16"))
        yield f"NUL in {name}", with_part(name, PARTS[name].encode() + b"\0")
        deep = "<a>" * 20_000 + "</a>" * 20_000
        yield f"deep {name}", with_part(name, re.sub(r"(</\w+>)$", rf"{deep}\1", PARTS[name]))
        laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
        entities = f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]>'
        xml = PARTS[name].replace(HEAD, HEAD + entities)
        yield f"entities {name}", with_part(name, re.sub(r"(</\w+>)$", r"&l9;\1", xml))
    yield "no dimension", with_part(SHEET, PARTS[SHEET].replace("A1:E4", ""))
    yield "dimension of columns", with_part(SHEET, PARTS[SHEET].replace("A1:E4", "A:XFD"))
    for name in PARTS:
        yield f"half of {name}", with_part(name, PARTS[name][:-5])
        yield f"encoding x of {name}", with_part(name, PARTS[name].replace("UTF-8", "x"))
    for scope in ("7", "-1", "x"):
        name = f'<definedName name="a" localSheetId="{scope}">1</definedName>'
        book = PARTS[BOOK].replace("</sheets>", f"</sheets><definedNames>{name}</definedNames>")
        yield f"scope {scope}", with_part(BOOK, book)


def of_formulas() -> Iterator[tuple[str, bytes]]:
    """Formulas too deep, too long, of too large a result."""
    for depth in (70, 300, 5000):
        for text in ("(" * depth + "1" + ")" * depth, "-" * depth + "1", "1" + "^1" * depth):
            yield (
                f"formula {text[:3]}{depth}",
                with_rows(f'<row r="5"><c r="E5"><f>{text}</f></c></row>'),
            )
    yield "long formula", with_rows(f'<row r="5"><c r="E5"><f>1{"+1" * 20_000}</f></c></row>')
    yield (
        "large result",
        with_rows('<row r="5"><c r="E5"><f>SUM(CAC(A1:A9000,A1:XFD1))</f></c></row>'),
    )


def of_archives() -> Iterator[tuple[str, bytes]]:
    """Headers that lie, and parts that unpack to far more than they are."""
    whole = packed(dict(PARTS))
    for name, (offset, form, value) in {
        "encrypted": (6, "<H", 1), "method 99": (8, "<H", 99), "bzip2": (8, "<H", 12),
        "size": (22, "<L", 10), "large size": (22, "<L", 1 << 31), "checksum": (14, "<L", 1),
        "packed size": (18, "<L", 5),
    }.items():  # fmt: skip
        yield name, patched(whole, offset, form, value)
    for part in ("xl/media/x.png", SHEET, TEXTS, "xl/theme/theme1.xml"):
        yield f"bomb {part}", with_part(part, bytes(80 << 20))


def of_chance() -> Iterator[tuple[str, bytes]]:
    """Cut at each percent, and changed at places that chance chooses."""
    whole = packed(dict(PARTS))
    for percent in range(100):
        yield f"cut at {percent} %", whole[: len(whole) * percent // 100]
    chance = random.Random(17)
    for number in range(60):
        name = chance.choice(list(PARTS))
        xml = bytearray(PARTS[name].encode())
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(xml))
            xml[place : place + chance.randint(0, 4)] = chance.choice(
                (
                    b"",
                    b"<",
                    b">",
                    b'"',
                    b"&",
                    b"\xff",
                    b"<!--",
                    b"9",
                    bytes([chance.randrange(256)]),
                )
            )
        yield f"mutation {number} of {name}", with_part(name, bytes(xml))
    for number in range(40):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        yield f"bit {number}", bytes(damaged)


def texts() -> Iterator[tuple[str, bytes]]:
    """Tables as text, by their names."""
    yield "wide.csv", b"customer," * 100_000 + b"date,amount\n"
    yield "long name.csv", b"x" * 800_000 + b",date,amount\n1,2,3\n"
    yield "quote.csv", b'customer,date,amount\n"a,2024-01-01,1\n' + b"b,2024-01-02,2\n" * 9999
    yield "nul.csv", b"customer,date,amount\na\0,2024-01-01,1\n"
    yield "control.csv", b"customer,date,amount,\x1b[31mred\na,2024-01-01,1,2\n"
    yield "empty.csv", b""
    yield "bomb.csv.gz", gzip.compress(bytes(50 << 20))
    yield "cut.csv.gz", gzip.compress(b"customer,date,amount\n" * 99)[:40]
    yield "none.parquet", b"PAR1PAR1"
    yield "broken.parquet", b"PAR1" + bytes(range(256)) * 4 + b"PAR1"


def write(folder: Path) -> int:
    """Write all of them, and say how many there are."""
    files = [(f"{name}.xlsx", content) for name, content in workbooks()]
    files += texts()
    files += [(path.name, path.read_bytes()) for path in sorted(FOUND.iterdir())]
    for number, (name, content) in enumerate(files):
        safe = re.sub(r"[^\w. %-]", "_", name)
        (folder / f"{number:03} {safe}").write_bytes(content)
    return len(files)


def outcomes(folder: str) -> dict[str, str]:
    """What each file comes to, by its name and what was done with it."""
    from kpi_xl.engine.terms import FormulaError
    from kpi_xl.ooxml.errors import NotAWorkbookError
    from kpi_xl.reports import offline
    from kpi_xl.reports.files import described
    from kpi_xl.reports.records import Change, Filled, Place, ReportError
    from kpi_xl.reports.rewriting import rewritten
    from kpi_xl.schema import Column
    from kpi_xl.sources import SourceError, read_table
    from kpi_xl.units import DATE, KEY, MONEY

    columns = (Column("customer", KEY), Column("date", DATE), Column("amount", MONEY))
    change = Change((), (Filled(Place("Orders", 2, 1), [["x"], [None]]),), "")
    told: dict[str, str] = {}
    for path in sorted(Path(folder).iterdir()):
        content = path.read_bytes()
        uses = {"table": lambda path=path: read_table(path, columns, table="Orders")}
        if path.suffix == ".xlsx":
            uses |= {
                "recalc": lambda content=content: offline.recalculated(content, lambda *_: None)[1],
                "eval": lambda content=content: offline.value("=SUM(A1:A3)", content),
                "explain": lambda content=content: offline.explanation(content, "E2", "en"),
                "freeze": lambda content=content: type(offline.frozen(content, native=False)),
                "refresh": lambda content=content: type(described(content)),
                "rewrite": lambda content=content: type(rewritten(content, change)),
            }
        # Those that are many of one kind, or take seconds each: read and computed once, no more.
        few = re.search("cut at|mutation|bit |far", path.name)
        for use in ("eval", "explain", "freeze") if few else ():
            uses.pop(use, None)
        for use, function in uses.items():
            try:
                told[f"{path.name}: {use}"] = f"value {function()!r}"[:300]
            except (SourceError, NotAWorkbookError, FormulaError, ReportError) as error:
                told[f"{path.name}: {use}"] = f"sentence {error}"
            except BaseException:
                told[f"{path.name}: {use}"] = f"fault {traceback.format_exc()}"
    return told
