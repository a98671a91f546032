"""Tables that users have: every kind of file, every way to write a cell, every refusal."""

import csv
import gc
import gzip
import io
import math
import re
import warnings
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import polars as pl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_xl import sources
from kpi_xl.errors import EXCEL_ERRORS, NOT_COMPUTED
from kpi_xl.ooxml import limits
from kpi_xl.ooxml.archive import with_members
from kpi_xl.ooxml.package import untold
from kpi_xl.schema import Column
from kpi_xl.sources import ReadTable, SourceError, allowed, delimited, read_table, records
from kpi_xl.units import COUNT, DATE, KEY, LOGICAL, MONEY, RATE, TEXT, Unit

ORDERS = (Column("customer", KEY), Column("date", DATE), Column("amount", MONEY))
JANUARY = date(2024, 1, 31)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a file: text in an encoding, or bytes."""

    def write(content: str | bytes, name: str = "orders.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


@pytest.fixture
def book(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a workbook of one sheet; a cell is its value, or (value, format)."""

    def book(rows: list[list[Any]], *, top: int = 0, settings: Any = None, **table: Any) -> Path:
        path = tmp_path / "orders.xlsx"
        made = xlsxwriter.Workbook(path, settings or {})
        sheet = made.add_worksheet("Orders 2024")
        for row, cells in enumerate(rows, start=top):
            for column, cell in enumerate(cells):
                value, look = cell if isinstance(cell, tuple) else (cell, None)
                style = made.add_format({"num_format": look}) if look else None
                if isinstance(value, str) and value.startswith("#"):
                    sheet.write_formula(row, column, "=NA()", style, value)
                elif isinstance(value, date):
                    sheet.write_datetime(row, column, value, style)
                else:
                    sheet.write(row, column, value, style)
        if table:
            sheet.add_table(**table)
        made.close()
        return path

    return book


def column(path: Path, name: str, unit: Unit) -> list[Any]:
    return read_table(path, [Column(name, unit)]).columns[name]


def refusal(path: Path, columns: Any = ORDERS, **options: Any) -> str:
    """The first sentence, without the folder."""
    with pytest.raises(SourceError) as error:
        read_table(path, columns, **options)
    sentences = str(error.value).splitlines()
    assert all(str(path) in sentence for sentence in sentences)
    return sentences[0].replace(f"{path.parent}/", "")


def test_all_that_is_in_the_way_is_told_at_once(write: Callable[..., Path]) -> None:
    path = write("customer,date,amount,Week,deals\nann,1/2/2024,5,2024-01-31,x\n,3,1,,\n")
    columns = [*ORDERS, Column("week", DATE, filled=True), Column("deals", COUNT),
               Column("rep", KEY), Column("owner", KEY)]  # fmt: skip
    with pytest.raises(SourceError) as error:
        read_table(path, columns)
    lines = str(error.value).replace(f"{path}", "").splitlines()
    told = ("no column rep, owner", 'column "date"', 'column "deals"', 'column "Week"')
    assert [words in line for words, line in zip(told, lines, strict=True)] == [True] * 4


# CSV: encodings

RUSSIAN = "Клиент;Дата;Сумма\nИванов;2024-01-31;1234,5\nООО РОМАШКА;2024-02-01;0,5\n"
CHINESE = "客户,日期,金额\n张三,2024-01-31,1234.5\n小红书推广,2024-02-01,0.5\n"
AMOUNTS = [1234.5, 0.5]


@pytest.mark.parametrize(
    ("text", "encoding", "remarks"),
    [
        (RUSSIAN, "utf-8", []),
        (RUSSIAN, "utf-8-sig", []),
        (RUSSIAN, "utf-16", []),
        (CHINESE, "utf-16-le", []),
        (CHINESE, "utf-16-be", []),
        (RUSSIAN, "cp1251", ["the text was read as Windows-1251 (Cyrillic)"]),
        (CHINESE, "gb18030", ["the text was read as GB18030 (Chinese)"]),
        (CHINESE, "utf-8", []),
    ],
)
def test_encodings(
    write: Callable[..., Path], text: str, encoding: str, remarks: list[str]
) -> None:
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    path = write(mark + text, encoding=encoding)
    theirs = text.splitlines()[0].replace(";", ",").split(",")
    renamed = dict(zip(theirs, ("customer", "date", "amount"), strict=True))
    table = read_table(path, ORDERS, renamed=renamed)
    assert table.columns["amount"] == AMOUNTS
    assert table.columns["customer"][0] in ("Иванов", "张三")
    assert table.remarks == remarks


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("город", "cp1251"), ("Москва", "cp1251"), ("да", "cp1251"), ("Львів", "cp1251"),
     ("«Ромашка» №\u00a05", "cp1251"),
     ("北京", "gb18030"), ("渠道", "gb18030"), ("花费", "gb18030")],
)  # fmt: skip
def test_a_single_word_tells_the_encoding(
    write: Callable[..., Path], text: str, encoding: str
) -> None:
    assert column(write(f"city\n{text}\n", encoding=encoding), "city", TEXT) == [text]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("Müller", "cp1252"), ("Café", "cp1252"), ("São Paulo", "cp1252"), ("Łódź", "cp1250"),
     ("Über Größe", "cp1252"), ("客戶 金額", "big5"), ("顧客 たなか", "shift_jis"),
     ("مشتري", "cp1256"), ("Город", "koi8-r"), ("ДА", "cp1251"), ("Иван", "utf-8")],
)  # fmt: skip
def test_an_encoding_that_is_not_sure_is_not_guessed(
    write: Callable[..., Path], text: str, encoding: str
) -> None:
    content = f"customer\n{text}\n".encode(encoding)
    if encoding == "utf-8":
        content += b"\xff\n"  # a file that was damaged, or glued together
    assert refusal(write(content), [Column("customer", KEY)]) == (
        "orders.csv is not in UTF-8, and not surely in UTF-16, GB18030 (Chinese) or Windows-1251"
        ' (Cyrillic): save it as "CSV UTF-8"'
    )


SPANISH = (
    "Número,Ciudad,Comprador\n1,Córdoba,Ramón Peña\n2,Tucumán,Mónica Sáenz\n"
    "3,Neuquén,José Güiraldes\n"
    + "".join(f"{n},Río Cuarto,Martín García de León y Íñiguez Núñez\n" for n in range(4, 30))
)
ARABIC = "شماره,مشتري,شهر\n1,محمد علي,تهران\n2,رضا احمدي,اصفهان iPhone\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (SPANISH, "cp1252"),
        (SPANISH + "30,Desirè,Lámpara Premium® 3°\n", "cp1252"),  # an Italian name, and signs
        ("ciudad,nombre\nCórdoba,Ramón\nTucumán,Mónica\nNeuquén,Andrés\n", "cp1252"),
        (ARABIC.replace("ی", "ي"), "cp1256"),
    ],
)
def test_the_language_tells_the_encoding(
    write: Callable[..., Path], text: str, encoding: str
) -> None:
    """Accents of Spanish are vowel signs of Arabic, in a word of two alphabets then."""
    path = write(text, encoding=encoding)
    assert delimited.likely_encodings(lambda: path.open("rb")) == [encoding]


def test_a_character_across_two_pieces(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "PIECE", 7)
    path = write("имя\nЮля\nЯна\n")
    assert column(path, "имя", TEXT) == ["Юля", "Яна"]
    with pytest.raises(SourceError, match=r"a line of more than 16 MB, so that it is no CSV file"):
        column(write("customer\nann\n"), "customer", TEXT)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"customer,date,amount\na,\0,1\n",
         "orders.csv has NUL bytes, so that it is no CSV file, is damaged, or is UTF-16 without its"
         ' mark: save it as "CSV UTF-8"'),
        ("customer\nann\n".encode("utf-16-le"),
         "orders.csv has NUL bytes, so that it is no CSV file, is damaged, or is UTF-16 without its"
         ' mark: save it as "CSV UTF-8"'),
        (b"\xff\xfec\0\0\xd8\0\xd8",
         'orders.csv is not the UTF-16 that it claims: save it as "CSV UTF-8"'),
        (b"\xff\xfec\0\n\0x",
         'orders.csv is not the UTF-16 that it claims: save it as "CSV UTF-8"'),
        (b"", "orders.csv is empty: a row of column names is needed, and rows of data"),
        (b"\n \n", "orders.csv is empty: a row of column names is needed, and rows of data"),
        (b"customer,date,amount\n", "orders.csv has no rows of data under its header"),
        (b"customer,date,amount\n,,\n\n", "orders.csv has no rows of data under its header"),
        (b"customer,date,amount\nann,2024-01-31\n",
         "orders.csv has 2 cells in row 2, but 3 in its header: put text that holds the delimiter"
         " in quotation marks"),
        (b"customer,date,amount\nann,2024-01-31,1\nann,2024-01-31,1,5\n",
         "orders.csv has 4 cells in row 3, but 3 in its header: put text that holds the delimiter"
         " in quotation marks"),
        (b'customer,date,amount\nann,2024-01-31,1\n"ann,2024-01-31,1\nbob,2024-01-31,1\n',
         "orders.csv cannot be read at row 3, where a quotation mark is perhaps not closed or not"
         " doubled (unexpected end of data)"),
        (b'customer,date,amount\nann,2024-01-31,1\n"ann"x,2024-01-31,1\n',
         "orders.csv cannot be read at row 3, where a quotation mark is perhaps not closed or not"
         " doubled (',' expected after '\"')"),
        (b"customer,date,amount\n" + b"x" * 200_000 + b",2024-01-31,1\n",
         "orders.csv cannot be read at row 2, where a quotation mark is perhaps not closed or not"
         " doubled (field larger than field limit (131072))"),
        (b'customer,date,amount\n"' + b'""' * 200_000 + b'",2024-01-31,1\n',
         "orders.csv cannot be read at row 2, where a quotation mark is perhaps not closed or not"
         " doubled (field larger than field limit (131072))"),
        (b"customer,date,amount\n" + b"x" * 40_000 + b",2024-01-31,1\n",
         'orders.csv, row 2, column "customer": the text has 40,000 characters, and an Excel cell'
         " holds 32,767: shorten it"),
        (b"customer;date,amount\n1;2,3\n",
         "orders.csv has as many commas as semicolons or tabs in its header: put the names of"
         " columns in quotation marks"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read(
    write: Callable[..., Path], content: bytes, sentence: str
) -> None:
    assert refusal(write(content)) == sentence


# CSV: layout


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", ["orders.csv", "orders.TSV", "orders.2024.txt"])
def test_delimiters_and_line_ends(
    write: Callable[..., Path], delimiter: str, end: str, name: str
) -> None:
    lines = [["customer", "date", "amount"], ["ann", "2024-01-31", "5"]]
    path = write(end.join(delimiter.join(line) for line in lines), name)
    assert read_table(path, ORDERS) == ReadTable(
        {"customer": ["ann"], "date": [JANUARY], "amount": [5.0]}, 1, []
    )


def test_excels_line_that_names_the_delimiter(write: Callable[..., Path]) -> None:
    path = write("sep=|\ncustomer|date|amount\nann|2024-01-31|x\n")
    assert refusal(path).startswith('orders.csv, row 3, column "amount": "x" is not a number')


def test_quoted_delimiters_quotes_and_line_breaks(write: Callable[..., Path]) -> None:
    path = write('customer,"date",amount\n"Ann, ""A""\nB","2024-01-31",5\nbob,x,1\n')
    sentence = refusal(path)
    assert sentence.startswith('orders.csv, row 3, column "date"')  # a line break is in row 2
    path = write('customer,"date",amount\n"Ann, ""A""\nB","2024-01-31",5\n')
    assert read_table(path, ORDERS).columns["customer"] == ['Ann, "A"\nB']


def test_blank_rows_are_left_out_and_counted(write: Callable[..., Path]) -> None:
    path = write("\ncustomer,date,amount,notes\n\nann,2024-01-31,1,\n,,,x\n , ,\t,\nbob,,,\n\n")
    table = read_table(path, ORDERS)
    assert table.columns == {"customer": ["ann", "bob"], "date": [JANUARY, None],
                             "amount": [1.0, None]}  # fmt: skip
    assert table.rows == 2
    assert table.remarks == [
        "columns not used: notes",
        "4 rows left out, blank in every column used",
    ]


def test_rows_in_errors_count_blank_ones(write: Callable[..., Path]) -> None:
    path = write("\ncustomer,date,amount\n\n,,\nann,2024-01-31,x\n")
    assert refusal(path).startswith('orders.csv, row 5, column "amount"')


def test_no_file_is_left_open(write: Callable[..., Path]) -> None:
    text = "customer,date,amount\nИванов,2024-01-31,5\nПетрова,2024-01-31,5\n"
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        assert read_table(write(gzip.compress(text.encode("cp1251")), "orders.csv.gz"), ORDERS).rows
        gc.collect()
    assert [str(one.message) for one in told if one.category is ResourceWarning] == []


def test_packed_csv(write: Callable[..., Path]) -> None:
    path = write(gzip.compress(b"customer,date,amount\nann,2024-01-31,5\n"), "orders.csv.gz")
    assert read_table(path, ORDERS).rows == 1
    whole = path.read_bytes()
    for broken in (b"abc", whole[:-12], whole[:15] + b"\xff\xff\xff" + whole[18:]):
        path.write_bytes(broken)
        assert refusal(path) == "orders.csv.gz is damaged: it cannot be unpacked"


def test_a_packed_bomb(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "LARGEST_FILE", 1 << 25)
    bomb = write(gzip.compress(b"a\n" * (1 << 25)), "orders.csv.gz")
    assert refusal(bomb) == (
        "orders.csv.gz unpacks to more than 4 GB, which is too much to be a table"
    )
    line = write(gzip.compress(b"a" * (1 << 25)), "orders.csv.gz")
    assert refusal(line) == (
        "orders.csv.gz has a line of more than 16 MB, so that it is no CSV file"
    )


def test_more_rows_than_a_sheet_holds(write: Callable[..., Path]) -> None:
    most = sources.MOST_ROWS
    path = write("id\n" + "7\n" * most)
    assert read_table(path, [Column("id", KEY)]).rows == most
    for rows in ("7\n" * (most + 1), "7\n" * (most * 2 + 100_000)):
        assert refusal(write("id\n" + rows), [Column("id", KEY)]) == (
            "orders.csv has more than 1,048,575 rows, the most that an Excel sheet holds under a"
            " header: filter or add up its rows first; orders of the template retention may be more"
            " in Parquet files and databases, where they are counted"
        )


def test_progress_runs_to_the_end(write: Callable[..., Path]) -> None:
    seen: list[float] = []
    path = write("customer,date,amount\n" + "ann,2024-01-31,5\n" * 50_000)
    read_table(path, ORDERS, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len(seen) == 3


# Which file


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("orders.xls", "orders.xls: .xls files are not read: save it as .xlsx or .csv"),
        ("orders.ods", "orders.ods: .ods files are not read: save it as .xlsx or .csv"),
        ("orders.xlsb", "orders.xlsb: .xlsb files are not read: save it as .xlsx or .csv"),
        ("orders", "orders is of a kind that is not read: there are .csv, .tsv and .txt (also"
         " .gz), .parquet, .xlsx and .xlsm"),
        ("orders.xlsx.gz", "orders.xlsx.gz is of a kind that is not read: there are .csv, .tsv and"
         " .txt (also .gz), .parquet, .xlsx and .xlsm"),
    ],
)  # fmt: skip
def test_kinds_of_files(write: Callable[..., Path], name: str, sentence: str) -> None:
    assert refusal(write("", name)) == sentence


def test_missing_files_and_folders(write: Callable[..., Path], tmp_path: Path) -> None:
    write("")
    assert refusal(tmp_path / "order.csv") == (
        "there is no file order.csv; did you mean orders.csv?"
    )
    assert refusal(tmp_path / "there" / "x.csv") == "there is no file x.csv"
    (tmp_path / "folder.csv").mkdir()
    assert refusal(tmp_path / "folder.csv") == "folder.csv is a folder: name the file in it"


# Columns


@pytest.mark.parametrize("theirs", ["lead_id", "Lead ID", "LEAD-ID", " leadId ", "Lead\u00a0Id"])
def test_names_whatever_their_spelling(write: Callable[..., Path], theirs: str) -> None:
    assert column(write(f"{theirs},x\n007,\n"), "lead_id", KEY) == ["007"]


def test_renamed_columns(write: Callable[..., Path]) -> None:
    path = write("Kunde,Datum,amount,Umsatz,\nann,2024-01-31,7,5,\n")
    renamed = {"kunde": "customer", "Datum": "date", "Umsatz": "Amount"}
    table = read_table(path, ORDERS, renamed=renamed)
    assert table.columns == {"customer": ["ann"], "date": [JANUARY], "amount": [5.0]}
    assert table.remarks == ["columns not used: amount, column 5, which has no name"]


def test_a_renamed_column_has_its_own_name_no_more(write: Callable[..., Path]) -> None:
    path = write("customer,date,amount\nann,2024-01-31,5\n")
    columns = [Column("date", DATE, required=False), Column("won", DATE)]
    table = read_table(path, columns, renamed={"date": "won"})
    assert table.columns == {"date": [None], "won": [JANUARY]}


@pytest.mark.parametrize(
    ("header", "renamed", "sentence"),
    [
        ("customer,date,amounts", {},
         "orders.csv has no column amount; it has customer, date, amounts; did you mean amounts?:"
         ' rename it, or say which it is, as in --map "Their name=amount"'),
        ("a,b,c", {},
         "orders.csv has no column customer, date, amount; it has a, b, c: rename it, or say which"
         ' it is, as in --map "Their name=customer"'),
        ("Umsatz,date,customer", {"Umsaetze": "amount"},
         'orders.csv has no column "Umsaetze"; it has Umsatz, date, customer; did you mean'
         " Umsatz?"),
        ("customer,date,x", {"x": "amout"},
         'orders.csv cannot have "x" for amout, which is no column here; did you mean amount?'),
        ("customer,date,x", {"x": "zzz"},
         'orders.csv cannot have "x" for zzz, which is no column here; there are customer, date,'
         " amount"),
        ("customer,date,x", {"x": "amount", "y": "amount"},
         'orders.csv has both "x" and "y" for amount: choose one'),
        ("customer,date,amount,Amount", {},
         'orders.csv has more than one column for amount: "amount" and "Amount": rename one'),
    ],
)  # fmt: skip
def test_columns_that_cannot_be_found(
    write: Callable[..., Path], header: str, renamed: dict[str, str], sentence: str
) -> None:
    row = ",".join("1" for _ in header.split(","))
    assert refusal(write(f"{header}\n{row}\n"), renamed=renamed) == sentence


def test_equal_columns_that_nobody_wants(write: Callable[..., Path]) -> None:
    table = read_table(write("notes,id,notes\na,1,b\n"), [Column("id", KEY)])
    assert table.columns == {"id": [1.0]}
    assert table.remarks == ["columns not used: notes, notes"]


def test_optional_and_filled_columns(write: Callable[..., Path]) -> None:
    path = write("id,won\n1,\n\n2,2024-01-31\n,2024-01-31\n")
    columns = [Column("id", KEY), Column("value", MONEY, required=False), Column("won", DATE)]
    assert read_table(path, columns).columns == {
        "id": [1.0, 2.0, None], "value": [None] * 3, "won": [None, JANUARY, JANUARY],
    }  # fmt: skip
    assert refusal(path, [Column("id", KEY, filled=True), Column("won", DATE)]) == (
        'orders.csv, row 5, column "id": the cell is blank, and every row needs its id: fill it,'
        " with what stands above where that is meant, or delete the row, as of a total"
    )


# Numbers


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["5", "-5", "+5", "1234.56", ".5", "1e3", ""], [5, -5, 5, 1234.56, 0.5, 1000, None]),
        (["1,234.50", "1,234,567", "12", " 7 "], [1234.5, 1234567, 12, 7]),
        (["1.234,50", "1.234.567", "12"], [1234.5, 1234567, 12]),
        (["1 234,56", "1\u00a0234\u00a0567", "1\u202f234"], [1234.56, 1234567, 1234]),
        (["12,5", "1,234"], [12.5, 1.234]),
        (["1,5", ""], [1.5, None]),
        (["1'234.50", "1’234"], [1234.5, 1234]),
        (["1,23E+05"], [123000]),
        (["1e-05", "1.234e3", ""], [0.00001, 1234, None]),
        (["-1,234.5", "+1,234,567.0"], [-1234.5, 1234567]),
        (["1.234", "0.125"], [1.234, 0.125]),
        (["1.234", "1.2340"], [1.234, 1.234]),
        (["1.234.567", "1.234"], [1234567, 1234]),
        (["€5", "7,50 €", "-€3", "€ -3"], [5, 7.5, -3, -3]),
        (["$1,234.00", "$0"], [1234, 0]),
        (["1 234,5 ₽"], [1234.5]),
        (["−5"], [-5]),
        (["١٢٬٣٤٥٫٦", "۷"], [12345.6, 7]),
        (["１２"], [12]),
    ],
)  # fmt: skip
def test_numbers(write: Callable[..., Path], texts: list[str], numbers: list[Any]) -> None:
    content = io.StringIO()
    csv.writer(content).writerows([["amount", "x"], *([text, "1"] for text in texts)])
    path = write(content.getvalue())
    read = read_table(path, [Column("amount", MONEY), Column("x", COUNT)]).columns["amount"]
    assert read == numbers
    assert {type(number) for number in read} <= {float, type(None)}


def test_a_currency_sign_is_remarked(write: Callable[..., Path]) -> None:
    table = read_table(write("amount\n€5\n"), [Column("amount", MONEY)])
    assert table.remarks == ["amount: the currency sign € left out"]


def test_percentages_of_rates(write: Callable[..., Path]) -> None:
    path = write('r\n12%\n"12,5 %"\n7%\n0\n', "r.csv")
    assert column(path, "r", RATE) == [0.12, 0.125, 0.07, 0.0]


@pytest.mark.parametrize(
    ("unit", "texts", "sentence"),
    [
        (MONEY, ["5", "abc"],
         'row 3, column "n": "abc" is not a number: write it as 1234.56, or leave the cell blank'),
        (MONEY, ["1.234", "950"], 'row 2, column "n": "1.234" may be 1234 or 1.234: write 1234 or'
         " 1.2340"),
        (MONEY, ["950", "1,234"], 'row 3, column "n": "1,234" may be 1234 or 1.234: write 1234 or'
         " 1.2340"),
        (MONEY, ["1,234.5", "1.234,5"],
         'row 3, column "n": "1.234,5" has other marks for thousands or decimals than the numbers'
         " above it: write all numbers as 1234.56"),
        (MONEY, ["12.5", "12,5"],
         'row 3, column "n": "12,5" has other marks for thousands or decimals than the numbers'
         " above it: write all numbers as 1234.56"),
        (MONEY, ["1,2,3"], 'row 2, column "n": "1,2,3" is not a number: write it as 1234.56, or'
         " leave the cell blank"),
        (MONEY, ["12,34,567"], 'row 2, column "n": "12,34,567" is not a number: write it as'
         " 1234.56, or leave the cell blank"),
        (MONEY, ["nan"], 'row 2, column "n": "nan" is not a number: write it as 1234.56, or leave'
         " the cell blank"),
        (MONEY, ["inf"], 'row 2, column "n": "inf" is not a number: write it as 1234.56, or leave'
         " the cell blank"),
        (MONEY, ["1_000"], 'row 2, column "n": "1_000" is not a number: write it as 1234.56, or'
         " leave the cell blank"),
        (MONEY, ["1e999"], 'row 2, column "n": "1e999" is too large for a cell'),
        (MONEY, ["(5.00)"], 'row 2, column "n": "(5.00)" is not a number: write it as 1234.56, or'
         " leave the cell blank"),
        (MONEY, ["5", "TRUE"], 'row 3, column "n": "TRUE" is not a number: write it as 1234.56, or'
         " leave the cell blank"),
        (MONEY, ["€5", "$5"],
         'row 3, column "n": the column is in more than one currency, € and $: convert it to one'),
        (COUNT, ["€5"],
         'row 2, column "n": "€5" is an amount of money, and this column holds none'),
        (MONEY, ["12%"], 'row 2, column "n": "12%" is a percentage, and this column holds none'),
        (RATE, ["12%", "12"], 'row 3, column "n": "12" has no percent sign, unlike "12%": write'
         " all cells with one, or none"),
        (MONEY, ["5", "#DIV/0!"], 'row 3, column "n": the cell holds the error #DIV/0!: correct'
         " it, or leave it blank"),
    ],
)  # fmt: skip
def test_cells_that_are_no_numbers(
    write: Callable[..., Path], unit: Unit, texts: list[str], sentence: str
) -> None:
    content = io.StringIO()
    csv.writer(content).writerows([["n", "x"], *([text, "1"] for text in texts)])
    assert refusal(write(content.getvalue()), [Column("n", unit)]) == f"orders.csv, {sentence}"


# Dates


@pytest.mark.parametrize(
    "text",
    ["2024-01-31", "2024-01-31T23:59:59Z", "2024-01-31 23:59", "2024-01-31 23:59:59.999+05:00",
     "2024-01-31 10:00:00 UTC", "2024-1-31", "2024/01/31", "2024.01.31", "2024年1月31日",
     "2024.01.31.", "2024. 1. 31.", "2024년 1월 31일", "2024. 01. 31. 18:30", "20240131",
     "31.01.2024", "31/1/2024", "01/31/2024", "1/31/2024 11:59:59 PM", "1-31-2024",
     "31.01.2024, 18:30", " 2024-01-31 "],
)  # fmt: skip
def test_dates(write: Callable[..., Path], text: str) -> None:
    assert column(write(f'date,x\n"{text}",\n,1\n'), "date", DATE) == [JANUARY]


def test_the_column_decides_on_day_and_month(write: Callable[..., Path]) -> None:
    day_first = write("date\n01.02.2024\n13.02.2024\n2024-03-04\n05.05.2024\n")
    assert column(day_first, "date", DATE) == [
        date(2024, 2, 1), date(2024, 2, 13), date(2024, 3, 4), date(2024, 5, 5),
    ]  # fmt: skip
    month_first = write("date\n01/02/2024\n02/13/2024\n")
    assert column(month_first, "date", DATE) == [date(2024, 1, 2), date(2024, 2, 13)]
    either = write("date\n05.05.2024\n12.12.2024\n")
    assert column(either, "date", DATE) == [date(2024, 5, 5), date(2024, 12, 12)]


def test_a_time_of_day_is_left_out_and_counted(write: Callable[..., Path]) -> None:
    text = "date\n2024-01-31 10:00\n2024-01-31 00:00:00+02:00\n2024-01-31 00:01\n2024-01-31\n"
    table = read_table(write(text), [Column("date", DATE)])
    assert table.columns["date"] == [JANUARY] * 4
    assert table.remarks == ["date: the time of day left out in 2 rows"]
    midnight = write("date\n1/31/2024 12:00:00 AM\n")
    assert read_table(midnight, [Column("date", DATE)]).remarks == []


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["05.05.2024", "01.02.2024"],
         'row 3, column "date": "01.02.2024" may be 2024-02-01 or 2024-01-02, and no date of the'
         " column has a day above 12: write all dates as 2024-01-31"),
        (["13/02/2024", "02/13/2024"],
         'row 3, column "date": "02/13/2024" has day and month in another order than the dates'
         " above it: write all dates as 2024-01-31"),
        (["2024-02-30"],
         'row 2, column "date": "2024-02-30" is not in the calendar: write all dates as'
         " 2024-01-31"),
        (["31.01.2024", "30.02.2024"],
         'row 3, column "date": "30.02.2024" is not in the calendar: write all dates as'
         " 2024-01-31"),
        (["2024-W05-3"], 'row 2, column "date": "2024-W05-3" is not a date: write all dates as'
         " 2024-01-31"),
        (["31.01.24"], 'row 2, column "date": "31.01.24" is not a date: write all dates as'
         " 2024-01-31"),
        (["2024-01-31 25:00"], 'row 2, column "date": "2024-01-31 25:00" is not a date: write all'
         " dates as 2024-01-31"),
        (["45322"], 'row 2, column "date": "45322" is not a date: write all dates as 2024-01-31'),
        (["2024-01-31", "1402-01-31"], 'row 3, column "date": "1402-01-31" is before 1900, where'
         " Excel's calendar begins"),
        (["2024-01-31", "9999-12-31"], 'row 3, column "date": "9999-12-31" is what programs write'
         " for no day: leave it blank"),
        (["TRUE"], 'row 2, column "date": "TRUE" is not a date: write all dates as 2024-01-31'),
    ],
)  # fmt: skip
def test_cells_that_are_no_dates(
    write: Callable[..., Path], texts: list[str], sentence: str
) -> None:
    path = write("date\n" + "\n".join(texts))
    assert refusal(path, [Column("date", DATE)]) == f"orders.csv, {sentence}"


# Keys, texts, truths


def test_keys_are_those_of_cells(write: Callable[..., Path]) -> None:
    path = write("id\n5\n5.0\n007\n Ann \nAnn\nnan\n12345678901234567\nTRUE\n+5\n=1+1\n")
    assert column(path, "id", KEY) == [
        5.0, 5.0, "007", "Ann", "Ann", "nan", "12345678901234567", "TRUE", "+5", "=1+1",
    ]  # fmt: skip


def test_text_stays_text(write: Callable[..., Path]) -> None:
    texts = ["=1+1", "+7", "-x", "@sum", "5", "1.50", "TRUE", "2024-01-31"]
    assert column(write("t\n" + "\n".join(texts)), "t", TEXT) == texts


def test_truths(write: Callable[..., Path]) -> None:
    path = write("won,x\nTRUE,\nfalse,\n,1\n")
    assert column(path, "won", LOGICAL) == [True, False]
    assert refusal(write("won\nyes\n"), [Column("won", LOGICAL)]) == (
        'orders.csv, row 2, column "won": "yes" is neither TRUE nor FALSE: write one of them'
    )


# Workbooks

DAY = "yyyy-mm-dd"
HEADER = ["Customer", "Date", "Amount"]


def test_a_sheet(book: Callable[..., Path]) -> None:
    orders = [[True, "007", (JANUARY, DAY), 5], [None, 5, (JANUARY, DAY), 1]]
    path = book([["notes", *HEADER], *orders], top=3)
    assert read_table(path, ORDERS) == ReadTable(
        {"customer": ["007", 5.0], "date": [JANUARY] * 2, "amount": [5.0, 1.0]}, 2,
        ["columns not used: notes"],
    )  # fmt: skip


@pytest.mark.parametrize("date_1904", [False, True])
def test_dates_and_times_of_both_date_systems(book: Callable[..., Path], date_1904: bool) -> None:
    rows = [["date"], [(datetime(2024, 1, 31, 23, 59), "dd.mm.yyyy hh:mm")], [(JANUARY, DAY)],
            ["2024-01-31"]]  # fmt: skip
    table = read_table(book(rows, settings={"date_1904": date_1904}), [Column("date", DATE)])
    assert table.columns["date"] == [JANUARY] * 3
    assert table.remarks == ["date: the time of day left out in 1 row"]


def test_cells_of_every_kind(book: Callable[..., Path]) -> None:
    cells = ["=x", 5, 5.25, True, (JANUARY, DAY), (0.12, "0%"), "1,5", -7]
    rows = [["t", "k", "other"], *([cell, cell, 1] for cell in cells)]
    rows[1][:2] = ["'=x", "'=x"]
    table = read_table(book(rows), [Column("t", TEXT), Column("k", KEY)])
    assert table.columns["t"] == [
        "'=x", "5", "5.25", "TRUE", "2024-01-31", "0.12", "1,5", "-7",
    ]  # fmt: skip
    assert table.columns["k"] == [
        "'=x", 5.0, 5.25, "TRUE", "2024-01-31", 0.12, "1,5", -7.0,
    ]  # fmt: skip


def test_the_table_or_else_the_sheet_or_else_the_first(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsm"
    made = xlsxwriter.Workbook(path)
    made.add_chartsheet("Chart")
    hidden = made.add_worksheet("Hidden")
    hidden.write_column(0, 0, ["id", 1])
    first = made.add_worksheet("First")
    first.write_column(0, 0, ["id", 2])
    second = made.add_worksheet("Second")
    second.write_column(0, 0, ["id", 3])
    second.write_column(4, 3, ["Total of", 4, 5])
    columns = [{"header": "ID", "total_string": "sum"}]
    second.add_table(4, 3, 7, 3, {"name": "Leads", "total_row": True, "columns": columns})
    hidden.hide()
    first.activate()
    made.close()

    def read(table: str | None) -> ReadTable:
        return read_table(path, [Column("id", KEY)], table=table)

    assert read("leads") == ReadTable({"id": [4.0, 5.0]}, 2, [])
    assert read("hidden") == ReadTable({"id": [1.0]}, 1, [])
    assert read("First") == ReadTable({"id": [2.0]}, 1, [])
    assert read("Orders").remarks == ["read from the sheet First, the first of 2"]
    assert read(None).columns == {"id": [2.0]}


def test_hidden_rows_count_and_are_told(tmp_path: Path) -> None:
    """Whoever filtered a sheet may take what it shows for all that there is."""
    path = tmp_path / "book.xlsx"
    made = xlsxwriter.Workbook(path)
    sheet = made.add_worksheet("Sheet")
    sheet.write_column(1, 0, ["id", 1, 2, 3, 4])
    sheet.add_table(7, 2, 9, 2, {"name": "Leads", "columns": [{"header": "ID"}]})
    sheet.write_column(8, 2, [7, 8])
    for row in (0, 1, 3, 4, 9, 20):  # blank, the header, and others
        sheet.set_row(row, None, None, {"hidden": True})
    other = made.add_worksheet("Other")
    other.write_column(0, 0, ["id", 1])
    made.close()

    def remarks(table: str) -> list[str]:
        read = read_table(path, [Column("id", KEY)], table=table)
        assert len(read.columns["id"]) > 0
        return list(read.remarks)

    assert remarks("Leads") == ["hidden in Excel, but counted: 1 row"]
    assert remarks("Other") == []
    assert remarks("Sheet")[0] == "hidden in Excel, but counted: 3 rows"


def test_an_error_is_named_with_its_cell(book: Callable[..., Path]) -> None:
    rows = [HEADER, ["ann", (JANUARY, DAY), 5], ["bob", (JANUARY, DAY), "#DIV/0!"]]
    assert refusal(book(rows, top=2)) == (
        "orders.xlsx, row 5, column \"Amount\" ('Orders 2024'!C5): the cell holds the error"
        " #DIV/0!: correct it, or leave it blank"
    )
    table = {"first_row": 0, "first_col": 1, "last_row": 2, "last_col": 3,
             "options": {"name": "Orders", "columns": [{"header": h} for h in HEADER]}}  # fmt: skip
    path = book([["", *row] for row in rows], **table)
    assert refusal(path, table="orders").startswith(
        "orders.xlsx, row 3, column \"Amount\" ('Orders 2024'!D3): the cell holds the error"
    )
    unused = book([[*row, "#N/A"] for row in [["id"], [1]]])
    assert read_table(unused, [Column("id", KEY)]).columns == {"id": [1.0]}


@pytest.mark.parametrize(
    ("name", "cell", "sentence"),
    [
        ("Amount", (JANUARY, DAY), '"2024-01-31" is a date or a time, not a number'),
        ("Amount", (0.5, "hh:mm"), '"12:00:00" is a date or a time, not a number'),
        ("Amount", (1.5, "[h]:mm"), '"1 day, 12:00:00" is a date or a time, not a number'),
        ("Amount", True, '"TRUE" is not a number: write it as 1234.56, or leave the cell blank'),
        ("Date", 45322,
         '"45322" is not a date: format the cell as a date, or write 2024-01-31'),
        ("Date", "x", '"x" is not a date: write all dates as 2024-01-31'),
    ],
)  # fmt: skip
def test_cells_of_the_wrong_kind(
    book: Callable[..., Path], name: str, cell: Any, sentence: str
) -> None:
    row = {"Customer": "ann", "Date": (JANUARY, DAY), "Amount": 5} | {name: cell}
    address = f"'Orders 2024'!{'ABC'[HEADER.index(name)]}2"
    path = book([HEADER, [row[header] for header in HEADER]])
    assert refusal(path) == f'orders.xlsx, row 2, column "{name}" ({address}): {sentence}'


def test_workbooks_that_are_none(
    write: Callable[..., Path], book: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refusal(write(b"customer,date,amount", "a.xlsx")) == (
        "a.xlsx is not an .xlsx workbook, or it has a password: save it in Excel, without one"
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        package.writestr("hello.txt", "hello")
    assert refusal(write(content.getvalue(), "a.xlsx")).startswith(
        "a.xlsx is not a workbook that can be read ("
    )
    assert refusal(book([])) == "orders.xlsx has nothing on its sheet Orders 2024"
    assert refusal(book([HEADER])) == "orders.xlsx has no rows of data under its header"
    monkeypatch.setattr(limits, "UNPACKED", 1)
    monkeypatch.setattr(limits, "RATIO", 1)
    assert refusal(book([HEADER])).startswith(
        "orders.xlsx is not a workbook that can be read (it unpacks to "
    )


# Parquet


def parquet(path: Path, columns: dict[str, Any], **types: Any) -> Path:
    pl.DataFrame(columns, schema_overrides=types).write_parquet(path)
    return path


def test_parquet(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "orders[1].parquet",  # as a browser names a second download
        {
            "Customer": ["007", " Ann ", None],
            "date": [JANUARY, None, None],
            "amount": [Decimal("12.34"), Decimal(5), None],
            "notes": [[1], [2], []],
        },
    )
    assert read_table(path, ORDERS) == ReadTable(
        {"customer": ["007", "Ann"], "date": [JANUARY, None], "amount": [12.34, 5.0]}, 2,
        ["columns not used: notes", "1 row left out, blank in every column used"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "kind", "unit", "read"),
    [
        ([5, None, 2**60], pl.Int64, KEY, [5.0, None, str(2**60)]),
        ([5, None], pl.UInt8, COUNT, [5.0, None]),
        ([0.5, float("nan"), None], pl.Float64, MONEY, [0.5, None, None]),
        ([0.5, float("nan")], pl.Float64, KEY, [0.5, None]),
        ([0.25], pl.Float32, RATE, [0.25]),
        ([True, False, None], pl.Boolean, LOGICAL, [True, False, None]),
        ([True], pl.Boolean, TEXT, ["TRUE"]),
        (["a", None], pl.Categorical, TEXT, ["a", None]),
        (["1.234,5"], pl.String, MONEY, [1234.5]),
        (["31.01.2024"], pl.String, DATE, [JANUARY]),
        ([None], pl.Null, MONEY, [None]),
        ([datetime(2024, 1, 31, 10)], pl.Datetime("ms"), DATE, [JANUARY]),
        ([datetime(2024, 1, 31, 10)], pl.Datetime("us"), TEXT, ["2024-01-31 10:00:00"]),
    ],
)
def test_parquet_values(
    tmp_path: Path, values: list[Any], kind: Any, unit: Unit, read: list[Any]
) -> None:
    rows = {"x": values, "n": list(range(len(values)))}
    path = parquet(tmp_path / "x.parquet", rows, x=kind)
    assert read_table(path, [Column("x", unit), Column("n", COUNT)]).columns["x"] == read


def test_the_last_nanosecond_of_a_day_is_of_that_day(tmp_path: Path) -> None:
    frame = pl.DataFrame({"date": [1706745599_999_999_999]}).cast({"date": pl.Datetime("ns")})
    frame.write_parquet(tmp_path / "x.parquet")
    table = read_table(tmp_path / "x.parquet", [Column("date", DATE)])
    assert table.columns["date"] == [JANUARY]
    assert table.remarks == ["date: the time of day left out in 1 row"]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_times_with_a_zone_are_in_utc(tmp_path: Path, unit: Any) -> None:
    late = datetime(2024, 1, 31, 23, 30)
    frame = pl.DataFrame({"date": [late]}).cast({"date": pl.Datetime(unit, "UTC")})
    frame.write_parquet(tmp_path / "x.parquet")
    table = read_table(tmp_path / "x.parquet", [Column("date", DATE)])
    assert table.columns["date"] == [JANUARY]
    assert table.remarks[0] == "date: times with a zone were read in UTC"


def test_parquet_that_cannot_be_read(tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", {"x": [[1]], "y": [time(1)], "n": [1]})
    assert refusal(path, [Column("x", TEXT)]) == (
        'x.parquet has values of the kind BIGINT[] in the column "x": it must hold texts, numbers'
        " or dates"
    )
    assert "of the kind TIME_NS in the column" in refusal(path, [Column("y", TEXT)])
    whole = path.read_bytes()
    for broken in (b"", b"PAR1", whole[:-20], whole[:4] + b"\xff" * 400 + whole[-8:]):
        path.write_bytes(broken)
        assert refusal(path, [Column("n", COUNT)]).startswith(
            "x.parquet is not a Parquet file, or it is damaged ("
        )
    path = parquet(path, {"n": ["x"]})
    assert refusal(path, [Column("n", COUNT)]).startswith('x.parquet, row 1, column "n": "x" is')
    path = parquet(path, {"n": [1.0, math.inf]})
    for unit in (COUNT, KEY, TEXT):
        assert refusal(path, [Column("n", unit)]).endswith('"n": "inf" is too large for a cell')


def test_a_column_name_is_no_sql(tmp_path: Path) -> None:
    name = "a\" FROM read_csv('/etc/passwd') --"
    path = parquet(tmp_path / "x.parquet", {name: [1], "b": [2]})
    assert read_table(path, [Column(name, COUNT)]).columns == {name: [1.0]}


# Customers told apart, in every kind of file

WHOLE = st.integers(-(10**37), 10**37)
IDS = st.lists(
    st.integers(10**15, 10**15 + 80) | st.integers(2**53 - 40, 2**53 + 40) | WHOLE | st.integers(),
    min_size=2,
    max_size=40,
    unique=True,
)
ID_KINDS = ("csv", "xlsx", "xlsx text", "BIGINT", "DOUBLE", "FLOAT", "HUGEINT", "DECIMAL(38,0)",
            "DECIMAL(38,2)", "VARCHAR")  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(IDS, st.sampled_from(ID_KINDS))
def test_different_customers_stay_different_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, ids: list[int], kind: str
) -> None:
    """As many customers as the file had before it was written, or a refusal; never fewer."""
    folder = tmp_path_factory.mktemp("ids")
    if kind == "csv":
        path = folder / "x.csv"
        path.write_text("id\n" + "\n".join(map(str, ids)), encoding="utf-8")
    elif kind.startswith("xlsx"):
        path = folder / "x.xlsx"
        made = xlsxwriter.Workbook(path)
        sheet = made.add_worksheet()
        sheet.write(0, 0, "id")
        for row, one in enumerate(ids, start=1):
            if kind == "xlsx":
                sheet.write_number(row, 0, one)
            else:
                sheet.write_string(row, 0, str(one))
        made.close()
    else:
        path = folder / "x.parquet"
        bound = {"BIGINT": 2**63, "DECIMAL(38,2)": 10**36}.get(kind, 10**38)
        ids = [one for one in ids if abs(one) < bound] or [1]
        values = ", ".join(f"({one}::HUGEINT)" for one in ids)
        with duckdb.connect() as database:
            rows = database.sql(f"SELECT id::{kind} AS id FROM (VALUES {values}) t(id)")
            rows.write_parquet(str(path))
    # Parquet keeps a HUGEINT as a double, too.
    largest = {"FLOAT": 2**24, "xlsx": 2**53, "DOUBLE": 2**53, "HUGEINT": 2**53}.get(kind)
    if largest and any(abs(float(one)) >= largest for one in ids):
        said = "is a number of too many digits to be told from others: write it as text"
        assert said in refusal(path, [Column("id", KEY)])
        return
    found = read_table(path, [Column("id", KEY)]).columns["id"]
    assert len(set(found)) == len(found) == len(ids)
    assert found == [float(one) if abs(one) < 10**15 else str(one) for one in ids]
    assert not any(isinstance(one, float) and abs(one) >= 1e15 for one in found)


def test_one_customer_is_one_in_all_kinds_of_files(tmp_path: Path) -> None:
    for kind in ("BIGINT", "DOUBLE", "DECIMAL(38,0)", "DECIMAL(20,2)", "HUGEINT", "VARCHAR"):
        path = tmp_path / "x.parquet"
        with duckdb.connect() as database:
            rows = f"SELECT unnest([4000123412341234, 42])::{kind} AS id"
            database.sql(rows).write_parquet(str(path))
        if not kind.startswith(("V", "DECIMAL(20")):
            assert column(path, "id", KEY) == ["4000123412341234", 42.0]
    path.unlink()
    assert column(written_csv(tmp_path, "id\n4000123412341234\n42\n"), "id", KEY) == [
        "4000123412341234", 42.0,
    ]  # fmt: skip


# Currencies: never added up

ADS = (
    Column("date", DATE, daily=True),
    Column("campaign", KEY, required=False),
    Column("cost", MONEY),
    Column("revenue", MONEY, required=False),
    Column("sent", COUNT, required=False, event=True),
)
MIXED = """date,campaign,{header},cost,revenue
2024-01-01,a,EUR,100,500
2024-01-01,b,JPY,15000,75000
2024-01-02,a,EUR,100.5,500
2024-01-02,b,{last},15000,
"""


def written_csv(folder: Path, text: str) -> Path:
    path = folder / "x.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "header", ["Currency", "Currency code", "account_currency", "Währungscode", "Devise", "Валюта",
               "币种", "幣別", "واحد پول", "Code de la devise"],
)  # fmt: skip
def test_two_currencies_are_refused_with_the_sums_of_each(tmp_path: Path, header: str) -> None:
    assert refusal(written_csv(tmp_path, MIXED.format(header=header, last="jpy")), ADS) == (
        f'x.csv mixes currencies, and they are never added up: the column "{header}" has different'
        " currencies: cost is 200.5 EUR and 30,000 JPY, revenue is 1,000 EUR and 75,000 JPY."
        " Convert the amounts into one currency, or keep the rows of one"
    )


@pytest.mark.parametrize("kind", ["xlsx", "parquet"])
def test_two_currencies_are_refused_in_any_kind_of_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"x.{kind}"
    if kind == "xlsx":
        made = xlsxwriter.Workbook(path)
        sheet = made.add_worksheet()
        day = made.add_format({"num_format": "yyyy-mm-dd"})
        for row, cells in enumerate([("date", "cost", "currency"), (JANUARY, 1, "USD"),
                                     (JANUARY, 2, "EUR")]):  # fmt: skip
            for place, cell in enumerate(cells):
                sheet.write(row, place, cell, day if cell == JANUARY else None)
        made.close()
    else:
        parquet(path, {"date": [JANUARY, JANUARY], "cost": [1, 2], "currency": ["USD", "EUR"]})
    assert "cost is 1 USD and 2 EUR" in refusal(path, ADS)


@pytest.mark.parametrize(("one", "other"), [("€", "฿"), ("EUR", "R"), ("$", "MOP$"), ("kr.", "₸")])
def test_currencies_may_stand_as_signs(tmp_path: Path, one: str, other: str) -> None:
    text = MIXED.replace("EUR", one).replace("JPY", other).format(header="Currency", last=other)
    assert "different currencies: cost is 200.5" in refusal(written_csv(tmp_path, text), ADS)


def test_a_sign_and_a_code_are_one_currency(tmp_path: Path) -> None:
    text = MIXED.replace("JPY", "€").format(header="Currency", last="eur")
    assert "amounts in EUR" in read_table(written_csv(tmp_path, text), ADS).remarks


def test_columns_in_two_currencies_by_their_signs_are_refused(tmp_path: Path) -> None:
    text = "date,campaign,cost,revenue\n2024-01-01,a,$5,{}10\n2024-01-02,a,$6,{}20\n"
    said = refusal(written_csv(tmp_path, text.replace("{}", "€")), ADS)
    assert "mixes currencies, and they are never added up: cost is $; revenue is €" in said
    assert read_table(written_csv(tmp_path, text.replace("{}", "$")), ADS).rows == 2


def test_one_currency_is_told(tmp_path: Path) -> None:
    text = MIXED.replace("JPY", "EUR").format(header="Currency", last="")
    table = read_table(written_csv(tmp_path, text), ADS)
    assert "amounts in EUR" in table.remarks
    assert sum(table.columns["cost"]) == 30200.5  # the last row's currency is the only other's


def test_amounts_without_a_currency_beside_two(tmp_path: Path) -> None:
    said = refusal(written_csv(tmp_path, MIXED.format(header="Currency", last="")), ADS)
    assert "cost is 200.5 EUR and 15,000 JPY and 15,000 without a currency" in said


def test_the_currency_of_converted_amounts_is_their_own(tmp_path: Path) -> None:
    text = (
        "date,Amount,Currency,Converted Amount,Converted Currency\n"
        "2024-01-01,100,usd,90,eur\n2024-01-02,50,eur,50,eur\n"
    )
    path = written_csv(tmp_path, text)
    assert "cost is 100 USD and 50 EUR" in refusal(path, ADS, renamed={"Amount": "cost"})
    table = read_table(path, ADS, renamed={"Converted Amount": "cost"})
    assert table.columns["cost"] == [90.0, 50.0]


@pytest.mark.parametrize(
    ("header", "one", "other"),
    [
        ("Currency rate", "1.1", "1.2"),
        ("Currency", "1.1", "1.2"),
        ("Valuta", "2024-01-05", "2024-01-06"),  # the day of value, in German
        ("ارزش", "۱۲", "۱۳"),  # value
        ("Currency note", "new", "old"),
        ("Currency checked", "yes", ""),
    ],
)
def test_a_column_about_currencies_that_holds_none(
    header: str, one: str, other: str, tmp_path: Path
) -> None:
    text = f"date,cost,{header}\n2024-01-01,1,{one}\n2024-01-02,2,{other}\n"
    table = read_table(written_csv(tmp_path, text), ADS)
    assert table.columns["cost"] == [1.0, 2.0]
    assert not any("amounts in" in remark for remark in table.remarks)
    if header.startswith("Currency "):  # which are no currencies' names, but some are
        mixed = text.replace(f",{one}\n", ",USD\n").replace(f",{other}\n", ",EUR\n")
        assert "cost is 1 USD and 2 EUR" in refusal(written_csv(tmp_path, mixed), ADS)


# Days: weeks and quarters are told


@pytest.mark.parametrize(
    ("header", "days", "said"),
    [
        ("Week", ["2024-01-01"], "has a row a week"),
        ("Quarter", ["2024-01-01"], "has a row a quarter"),
        ("Quartal", ["2024-01-01", "2024-04-01"], "has a row a quarter"),
        ("Месяц", ["2024-01-01"], "has a row a month"),
        ("date", ["2024-01-01", "2024-01-08", "2024-01-15", "2024-01-29"], "a row a week or more"),
        ("Datum", ["2024-01-01", "2024-04-01", "2024-07-01"], "a row a month or more"),
        ("date", ["2024-01-01", "2024-04-01"], "a row a month or more"),
    ],
)
def test_weeks_and_quarters_are_no_days(
    tmp_path: Path, header: str, days: list[str], said: str
) -> None:
    path = written_csv(tmp_path, f"{header},cost\n" + "".join(f"{day},5\n" * 2 for day in days))
    assert said in refusal(path, ADS, renamed={header: "date"})
    assert "by day" in refusal(path, ADS, renamed={header: "date"})


@pytest.mark.parametrize(
    ("header", "days", "sent"),
    [
        ("Day", ["2024-01-01", "2024-01-08", "2024-01-15", "2024-01-22"], ""),
        ("date", ["2024-01-01", "2024-01-08", "2024-01-15"], ""),  # three Mondays prove nothing
        ("date", ["2024-01-01"], ""),
        ("date", ["2024-01-02", "2024-01-09", "2024-01-16", "2024-01-23"], "900"),  # mailings
        ("date", ["2024-01-01", "2024-01-08", "2024-01-15", "2024-01-23"], ""),
    ],
)
def test_what_may_be_days_is_taken(tmp_path: Path, header: str, days: list[str], sent: str) -> None:
    rows = "".join(f"{day},5,{sent}\n" for day in days)
    path = written_csv(tmp_path, f"{header},cost,sent\n{rows}")
    assert read_table(path, ADS, renamed={header: "date"}).rows == len(days)


@pytest.mark.parametrize(
    ("header", "days", "told"),
    [
        ("date", ["2024-01-01"], "2024-01-01 is the only day of its month: if its rows stand"),
        ("date", ["2024-01-30", "2024-01-31", "2024-02-01", "2024-03-01", "2024-03-02"],
         "2024-02-01 is the only day of its month: if its rows stand"),
        ("date", ["2023-10-01", "2023-11-01", "2024-01-30", "2024-01-31"],
         "2023-10-01 and 1 more are the only days of their months: if their rows stand"),
        ("date", ["2024-01-30", "2024-01-31", "2024-02-01"], ""),  # where the data end
        ("Day", ["2024-01-01"], ""),
    ],
)  # fmt: skip
def test_months_on_their_first_day_are_remarked(
    tmp_path: Path, header: str, days: list[str], told: str
) -> None:
    path = written_csv(tmp_path, f"{header},cost\n" + "".join(f"{day},5\n" for day in days))
    remarks = "; ".join(read_table(path, ADS, renamed={header: "date"}).remarks)
    assert told in remarks
    assert ("only day" in remarks) == bool(told)


@pytest.mark.parametrize(
    ("header", "days", "said"),
    [
        ("Quarter", ["2024-01-01"], "has a row a quarter"),
        ("Date", ["2024-02-01", "2024-05-01"], "seems to have a row a quarter or more"),
        ("Date", ["2023-01-01", "2024-01-01"], "seems to have a row a quarter or more"),
        ("Date", ["2024-01-01", "2024-02-01", "2024-04-01"], ""),
        ("Date", ["2024-01-01"], ""),
        ("Month", ["2024-01-01", "2024-01-01"], ""),
    ],
)
def test_quarters_are_no_months(tmp_path: Path, header: str, days: list[str], said: str) -> None:
    columns = [Column("month", DATE, monthly=True), Column("spend", MONEY)]
    path = written_csv(tmp_path, f"{header},spend\n" + "".join(f"{day},5\n" for day in days))
    if said:
        assert said in refusal(path, columns, renamed={header: "month"})
    else:
        assert read_table(path, columns, renamed={header: "month"}).rows == len(days)


@pytest.mark.parametrize(
    ("header", "days", "said"),
    [
        ("week", ["2026-01-01", "2026-02-01", "2026-03-01"], "seems to have a row a month or more"),
        ("week", ["2026-01-01", "2026-04-01"], "all its dates (2026-01-01, 2026-04-01 ...) begin"),
        ("Date", ["2026-01-31", "2026-02-28"], "all its dates (2026-01-31, 2026-02-28 ...) end"),
        ("Month", ["2026-01-01"], "has a row a month"),
        ("Quartal", ["2026-01-05"], "has a row a quarter"),
        ("week", ["2026-01-01"], ""),  # one proves nothing
        ("week", ["2026-05-25", "2026-06-01"], ""),
        ("Day", ["2026-06-01", "2026-06-08", "2026-07-01"], ""),
    ],
)
def test_months_are_no_weeks(tmp_path: Path, header: str, days: list[str], said: str) -> None:
    columns = [Column("week", DATE, weekly=True), Column("sales", MONEY)]
    path = written_csv(tmp_path, f"{header},sales\n" + "".join(f"{day},5\n" * 2 for day in days))
    if said:
        assert said in refusal(path, columns, renamed={header: "week"})
        assert "by week" in refusal(path, columns, renamed={header: "week"})
    else:
        assert read_table(path, columns, renamed={header: "week"}).rows == 2 * len(days)


# What is written is what is read

TEXTS = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20
).filter(lambda text: text.strip() not in EXCEL_ERRORS)  # these are refused


@given(
    st.lists(
        st.tuples(
            TEXTS,
            st.none() | st.dates(date(1900, 1, 1), date(9998, 12, 31)),
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(",;\t"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_a_written_table_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], delimiter: str, encoding: str
) -> None:
    path = tmp_path_factory.mktemp("round") / "t.csv"
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerow(["row", "text", "date", "n"])
        writer.writerow([1, "decides", "", "0.5"])
        writer.writerows([1, *row] for row in rows)
    columns = [Column("row", COUNT), Column("text", TEXT), Column("date", DATE), Column("n", MONEY)]
    table = read_table(path, columns)
    assert table.rows == len(rows) + 1
    assert table.columns["text"][1:] == [text.strip() or None for text, _, _ in rows]
    assert table.columns["date"][1:] == [day for _, day, _ in rows]
    assert table.columns["n"][1:] == [number for _, _, number in rows]


NUMBERS = st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=8)


@given(NUMBERS, st.sampled_from([",", ".", " ", "'", ""]), st.sampled_from(",."), st.booleans())
def test_a_number_is_read_rightly_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory,
    hundredths: list[int],
    thousands: str,
    decimal: str,
    short: bool,
) -> None:
    """However it is written, no column gives other numbers than were meant."""
    if thousands == decimal:
        return

    def written(number: int) -> str:
        text = f"{number / 100:,.2f}".replace(",", "t").replace(".", "d")
        text = text.removesuffix("d00") if short else text
        return text.replace("t", thousands).replace("d", decimal)

    path = tmp_path_factory.mktemp("numbers") / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["n"], *([written(number)] for number in hundredths)])
    try:
        assert column(path, "n", MONEY) == [number / 100 for number in hundredths]
    except SourceError as error:
        assert "may be" in str(error)  # noqa: PT017
        assert short


@given(st.lists(st.dates(date(1900, 1, 1), date(9998, 12, 31)), min_size=1, max_size=8),
       st.sampled_from(["%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y-%m-%d"]))  # fmt: skip
def test_a_date_is_read_rightly_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory, days: list[date], form: str
) -> None:
    path = tmp_path_factory.mktemp("dates") / "t.csv"
    path.write_text("\n".join(["d", *(day.strftime(form) for day in days)]))
    try:
        assert column(path, "d", DATE) == days
    except SourceError as error:
        assert "no date of the column has a day above 12" in str(error)  # noqa: PT017
        assert all(day.day <= 12 for day in days)


@given(st.binary(max_size=300), st.sampled_from(["csv", "csv.gz", "parquet", "xlsx"]))
def test_any_bytes_give_a_table_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, ending: str
) -> None:
    path = tmp_path_factory.mktemp("bytes") / f"t.{ending}"
    path.write_bytes(content)
    columns = [Column(name, TEXT, required=False) for name in ("a", "b")]
    try:
        assert read_table(path, columns).rows
    except SourceError as error:
        assert str(path) in str(error)  # noqa: PT017


# Paths from outside


def test_only_files_in_the_folders_are_allowed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "in2"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "a.csv").write_text("x")
    (inside / "link.csv").symlink_to(outside / "a.csv")
    (outside / "back.csv").symlink_to(inside / "a.csv")
    (inside / "circle").symlink_to(inside / "circle")
    assert allowed(inside / "a.csv", [outside, inside]) == (inside / "a.csv").resolve()
    assert allowed(outside / "back.csv", [inside]) == (inside / "a.csv").resolve()
    for path in (outside / "a.csv", inside / "link.csv", inside / ".." / "in2" / "a.csv"):
        with pytest.raises(SourceError, match="is outside the folders that data may be read from"):
            allowed(path, [inside])
    for path in (inside / "circle", Path("a\0b")):
        with pytest.raises(SourceError, match=r"is not the path of a file|is outside the folders"):
            allowed(path, [inside])
    with pytest.raises(SourceError, match="outside"):
        allowed(inside / "a.csv", [])


@pytest.mark.parametrize(
    "path", [r"\\server\share\a.csv", "//server/share/a.csv", r"\/server/a.csv", r"\\?\C:\a.csv"]
)
def test_nothing_on_the_network_is_allowed(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "resolve", lambda self: pytest.fail("it was looked at"))
    with pytest.raises(SourceError, match="is on the network"):
        allowed(Path(path), [Path("/")])


def test_a_formula_that_nobody_has_computed_is_told(tmp_path: Path) -> None:
    """As openpyxl writes it; a formula whose value is an empty text has one."""
    path = tmp_path / "orders.xlsx"
    book = openpyxl.Workbook()
    for row in (["id", "amount", "beside"], ["ann", 3, "=1+2"], ["bob", "=1+2", None]):
        book.active.append(row)
    book.save(path)
    with pytest.raises(
        SourceError, match=r"\(Sheet!B3\): the cell holds a formula without a value"
    ):
        read_table(path, [Column("id", KEY), Column("amount", MONEY)])
    assert read_table(path, [Column("id", KEY)]).columns == {"id": ["ann", "bob"]}
    content = path.read_bytes()
    assert untold(content, "Sheet").errors == {(2, 3): NOT_COMPUTED, (3, 2): NOT_COMPUTED}
    name = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read(name)
    empty = re.sub(
        rb'<c r="(B3|C2)"[^>]*><f>1\+2</f><v\s*/?>(</v>)?',
        rb'<c r="\1" t="str"><f>1+2</f><v></v>',
        sheet,
    )
    assert empty.count(b't="str"') == 2
    assert untold(with_members(content, {name: empty}), "Sheet").errors == {}
