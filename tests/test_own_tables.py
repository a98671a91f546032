"""Files that no vendor wrote: tables of people's own, as they come out of their programs."""

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter
from test_exports import column, filled, refusal, text_file, total
from workbooks import written

from kpi_xl.exports import Options, Request, known_layouts, rates_of, read_files
from kpi_xl.exports.cells import amount_of, dates, value_of
from kpi_xl.ooxml.addresses import area
from kpi_xl.ooxml.archive import with_members
from kpi_xl.ooxml.formats import sign_in
from kpi_xl.schema import SCHEMAS
from kpi_xl.sources import SourceError, read_table
from kpi_xl.sources.terms import scale_in

LINES = """Order ID,Customer,Date,Line,Total
7,a,2024-03-01,40,100
7,a,2024-03-01,60,100
8,b,2024-03-02,200,200
"""
MONTHS = (
    "month,customers_start,customers_new,customers_lost,mrr_start,mrr_new,expansion,contraction,"
    "churned\n"
)
COUNTS = ",100,10,10,1000,100,10,10,100\n"


def test_orders_of_several_rows_are_asked_about(tmp_path: Path) -> None:
    """Without their number, three rows would be three orders of which there are two."""
    path = text_file(tmp_path / "lines.csv", LINES)
    by_line = {"Line": "amount"}
    where = r'several rows \(7\): where they are one order, say --map "Order ID=order"'
    with pytest.raises(SourceError, match=where):
        filled("retention", path, words=Options(renamed=by_line))
    one = filled("retention", path, words=Options(renamed={**by_line, "Order ID": "order"}))
    assert column(one, "Orders", "order") == [7, 7, 8]
    each = filled("retention", path, words=Options(renamed=by_line, set={"order": ""}))
    assert column(each, "Orders", "order") == [None] * 3
    ours = text_file(tmp_path / "ours.csv", LINES.replace("Line", "Amount"))
    assert "the same Order ID in several rows (7)" in refusal("retention", ours)


def test_orders_of_a_row_each_need_no_number(tmp_path: Path) -> None:
    path = text_file(
        tmp_path / "orders.csv", LINES.replace("7,a,2024-03-01,60", "9,a,2024-03-01,60")
    )
    told = filled("retention", path, words=Options(renamed={"Line": "amount"}))
    assert total(told, "Orders", "amount") == 300
    assert "columns not used: Order ID, Total" in told.notes[0].remarks()


def test_a_total_in_each_row_of_its_order_is_told(tmp_path: Path) -> None:
    path = text_file(tmp_path / "lines.csv", LINES)
    names = {"Total": "amount", "Order ID": "order"}
    told = filled("retention", path, words=Options(renamed=names))
    assert total(told, "Orders", "amount") == 400
    assert "1 order of several rows" in told.notes[0].remarks()
    assert "(100.00 beyond the first)" in told.notes[0].remarks()
    once = filled("retention", path, words=Options(renamed={"Total": "amount"}, once="Order ID"))
    assert total(once, "Orders", "amount") == 300
    assert "several rows" not in once.notes[0].remarks()
    lines = filled("retention", path, words=Options(renamed={**names, "Line": "amount"}))
    assert "several rows" not in lines.notes[0].remarks()


def test_years_that_no_figure_is_over_are_told(tmp_path: Path) -> None:
    """2567 is 2024 in Thailand."""
    head = "customer,date,amount\n"
    thai = text_file(tmp_path / "thai.csv", f"{head}a,05/03/2567,100\nb,15/04/2567,200\n")
    told = refusal("retention", thai)
    assert "has dates of 2567, and figures are computed over 1990 to 2099: correct the" in told
    assert "the Buddhist calendar counts 543 years more" in told
    old = text_file(tmp_path / "old.csv", f"{head}a,1985-03-05,100\n")
    assert "has dates of 1985" in refusal("retention", old)
    months = text_file(tmp_path / "months.csv", f"{MONTHS}2024-01-01{COUNTS}2567-02-01{COUNTS}")
    assert "has dates of 2567" in refusal("retention", months)
    mixed = text_file(tmp_path / "mixed.csv", f"{head}a,2024-03-05,100\nb,2567-04-15,200\n")
    assert (
        "1 row of years before 1990 or after 2099, such as 2567, in no figure (200.00)"
        in filled("retention", mixed).notes[0].remarks()
    )


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("100,00-", -100.0),  # as SAP writes it
        ("1.200,50 -", -1200.5),
        ("€ 100,00-", -100.0),
        ("100,00- €", -100.0),
        ("100,00 €-", -100.0),
        ("(100,00)", -100.0),
        ("(-100,00)", -100.0),
        ("\uff08¥1.200,00\uff09", -1200.0),  # as wide as Chinese signs
        ("\uff0d\uff15", -5.0),
        ("\uff11\uff12\uff10", 120.0),
        ("-100-", None),
        ("(5)-", None),
        ("1-2", None),
        ("100.-", None),  # whole francs in Switzerland, and no less than 0
        ("2024-03", None),
    ],
)
def test_signs_of_amounts(text: str, known: float | None) -> None:
    amount = amount_of(text)
    value = amount and value_of(amount.body, ".", ",")
    assert (-value if amount and value and amount.negative else value) == known


def test_seconds_since_1970_are_days(tmp_path: Path) -> None:
    """1709596800 is 2024-03-05, 0:00 in UTC, by date -u -d @1709596800."""
    for seconds in ("1709596800", "1709683199", "1709596800000"):
        path = text_file(tmp_path / "orders.csv", f"customer,date,amount\na,{seconds},100\n")
        assert column(filled("retention", path), "Orders", "date") == [date(2024, 3, 5)]


EVERYTHING = """date,channel,campaign,cost,clicks
2024-01-01,Google,A,5,10
2024-01-01,Meta,B,6,20
2024-01-01,All channels,all,11,30
2024-01-02,Google,A,5,10
2024-01-02,Meta,B,6,25
2024-01-02,All channels,all,11,35
"""


@pytest.mark.parametrize("name", ["All channels", "Total", "Gesamt", "Paid total", "全部渠道"])
def test_a_name_that_is_the_total_of_the_others_is_refused(tmp_path: Path, name: str) -> None:
    """The cost is 22, and would be 44."""
    path = text_file(tmp_path / "ads.csv", EVERYTHING.replace("All channels", name))
    told = refusal("campaigns", path)
    assert f'in the column channel "{name}" has what other rows' in told
    assert "(2)" in told
    without = Options(where={"channel": ("Google", "Meta")})
    assert total(filled("campaigns", path, words=without), "Ads", "cost") == 22
    # The clicks of one day are not those of the others: it is a campaign of that name.
    path = text_file(tmp_path / "named.csv", EVERYTHING.replace("11,35", "11,34"))
    assert total(filled("campaigns", path), "Ads", "cost") == 44


HEAD = "date,campaign,cost,clicks,conversions\n"
FIRST = "2024-01-01,A,100,10,1\n2024-01-02,A,100,10,1\n"
SECOND = "2024-01-01,B,50,5,1\n2024-01-02,B,50,5,1\n"


@pytest.mark.parametrize(
    ("name", "lines", "told"),
    [
        # The cost is 300, and would be 600, or 900.
        ("campaigns", f"{HEAD}{FIRST},,200,20,2\n{SECOND},,100,10,2\n",
         'row 4, column "date": the cell is blank, and the row has what the 2 rows above it come to'
         ": delete such rows, which are subtotals, or fill in what they are of (2 rows: 4, 7;"
         " 300.00)"),
        ("campaigns", f"{HEAD},,200,20,2\n{FIRST},,100,10,2\n{SECOND}", "the 2 rows below it come"),
        ("campaigns", f"{HEAD}{FIRST}{SECOND},,300,30,4\n", "the 4 rows above it come to"),
        ("campaigns", f"{HEAD}{FIRST},,200,20,2\n{SECOND},,100,10,2\n,,300,30,4\n",
         "(3 rows: 4, 7, 8; 600.00)"),
        ("campaigns", f"{HEAD}{FIRST},A Total,200,20,2\n{SECOND}", "the 2 rows above it come to"),
        ("campaigns", f"{HEAD}{FIRST}2024-01-02,,200,20,2\n{SECOND}", 'row 4, column "campaign"'),
        # Blanks that are what stands above.
        ("campaigns", f"{HEAD}2024-01-01,A,100,10,1\n2024-01-02,,100,10,1\n{SECOND}",
         'row 3, column "campaign": the cell is blank, and every row needs its campaign: fill it,'
         " with what stands above where that is meant, or delete the row, as of a total"
         " (1 row: 3; 100.00)"),
        ("campaigns", f"{HEAD}2024-01-01,A,100,10,1\n,B,100,10,1\n{SECOND}", "needs its date"),
        ("retention", "customer,date,amount\na,2024-01-05,100\na,2024-02-05,50\na,,150\n",
         'row 4, column "date": the cell is blank, and the row has what the 2 rows above'),
        ("retention", f"{MONTHS}2024-01-01{COUNTS}2024-02-01{COUNTS}{COUNTS}", 'row 4, column "m'),
        ("funnel", "month,channel,spend\n2024-01-01,x,1\n2024-02-01,x,2\n,,3\n", 'column "month"'),
        ("funnel", "Channel,Note,Jan 2024,Feb 2024\nx,,1,2\ny,,3,4\n,all,4,6\n", "row 4 has no"),
        ("funnel", "lead_id,created,channel,mql_date,sql_date,won_date,value\n"
         "1,2024-01-01,x,,,,100\n2,2024-01-02,x,,,,200\n,,x,,,,300\n",
         'row 4, column "lead_id": the cell is blank, and the row has what the 2 rows above'),
        ("funnel", "lead_id,created,channel,mql_date,sql_date,won_date,value\n"
         "1,2024-01-01,x,,,,100\n2,2024-01-02,x,,,,200\nx total,,,,,,300\n",
         'row 4, column "created": the cell is blank, and the row has what the 2 rows'),
        ("sales_team", "rep,week,sales,visits,leads,deals,spend\na,2024-01-01,100,1,1,1,1\n"
         "a,2024-01-08,100,1,1,1,1\n,,200,2,2,2,2\n", 'row 4, column "rep"'),
        ("sales_team", "rep,sales,visits\na,100,1\nb,100,1\n,200,2\n", 'row 4, column "rep"'),
        ("scorecard", "month,spend,revenue\n2024-01-01,1,10\n2024-02-01,2,20\n,3,30\n", "row 4, c"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_rows_that_say_not_what_they_are_of(
    name: str, lines: str, told: str, kind: str, tmp_path: Path
) -> None:
    path = tmp_path / f"table.{kind}"
    path.write_bytes(lines.encode() if kind == "csv" else workbook(lines))
    assert told in re.sub(r" \(\w+![A-Z]+\d+\)", "", refusal(name, path))


def workbook(lines: str) -> bytes:
    """A workbook with the cells of a CSV file, each as the number or the text that it is."""

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        for row, line in enumerate(lines.splitlines()):
            for place, text in enumerate(line.split(",")):
                sheet.write(row, place, float(text) if text.isdigit() else text)

    return written(fill)


def test_a_column_of_names_that_is_blank_throughout_has_none(tmp_path: Path) -> None:
    path = text_file(tmp_path / "ads.csv", HEAD + FIRST.replace(",A,", ",,"))
    assert total(filled("campaigns", path), "Ads", "cost") == 200
    undated = text_file(tmp_path / "undated.csv", f"{HEAD},A,100,10,1\n,B,50,5,1\n")
    assert "needs its date" in refusal("campaigns", undated)


def test_subtotals_that_are_called_so_are_those_of_their_part(tmp_path: Path) -> None:
    """300 in all, of which each day has 150."""
    day = "2024-01-0{0},A,100,10,1\n2024-01-0{0},B,50,5,1\n,Summe,{1},15,2\n"
    path = text_file(tmp_path / "days.csv", HEAD + day.format(1, 150) + day.format(2, 150))
    told = filled("campaigns", path)
    assert total(told, "Ads", "cost") == 300
    assert "2 totals agree" in told.notes[0].left
    path = text_file(tmp_path / "wrong.csv", HEAD + day.format(1, 149) + day.format(2, 151))
    assert 'row 7: its total of "cost" is 151' in refusal("campaigns", path)


def test_totals_of_several_levels_with_their_day_are_refused(tmp_path: Path) -> None:
    """The cost is 19, and would be 57."""
    text = (
        "date,channel,campaign,cost,clicks\n"
        "2024-01-01,Search,A,5,10\n2024-01-01,Search,B,6,20\n2024-01-01,Search,Search total,11,30\n"
        "2024-01-01,Social,C,7,7\n2024-01-01,Social,D,1,7\n2024-01-01,Social,Social total,8,14\n"
        "2024-01-01,,Grand total,19,44\n"
    )
    told = refusal("campaigns", text_file(tmp_path / "levels.csv", text))
    for name in ("Search total", "Social total", "Grand total"):
        assert f'"{name}" has what other rows come to together' in told
    # A campaign of that name, with numbers of its own.
    path = text_file(tmp_path / "own.csv", text.replace("Search total,11", "Search total,12"))
    assert "Search total" not in refusal("campaigns", path)


@pytest.mark.parametrize(
    ("name", "text", "column"),
    [
        ("sales_team", "rep,sales,visits\na,100,1\nb,50,1\nTotal,150,2\n", "rep"),
        ("campaigns", "test,visitors_a,conversions_a,visitors_b,conversions_b\n"
         "x,100,10,100,12\ny,100,10,100,12\nGesamtergebnis,200,20,200,24\n", "test"),
    ],
)  # fmt: skip
def test_a_total_of_a_table_without_days_is_refused(
    name: str, text: str, column: str, tmp_path: Path
) -> None:
    told = refusal(name, text_file(tmp_path / "table.csv", text))
    assert f"in the column {column}" in told
    assert "has what other rows come to together" in told


def test_a_pivot_table_with_its_levels_below_each_other_is_refused(tmp_path: Path) -> None:
    """The cost is 23, and would be 46: Google and Meta are the channels of the others."""
    lines = ["Google,11,30", "A,5,10", "B,6,20", "Meta,12,31", "C,7,11", "D,5,20"]
    text = "date,campaign,cost,clicks\n" + "".join(f"2024-01-01,{line}\n" for line in lines)
    told = refusal("campaigns", text_file(tmp_path / "pivot.csv", text))
    assert '"Google" has what the rows below it come to, and all rows are such sums (2)' in told
    path = text_file(tmp_path / "others.csv", text.replace("5,20", "5,21"))
    assert total(filled("campaigns", path), "Ads", "cost") == 46


def test_names_and_days_that_some_rows_lack_are_told_with_their_worth(tmp_path: Path) -> None:
    ads = text_file(tmp_path / "ads.csv", EVERYTHING.replace("Meta", ""))
    told = filled("campaigns", ads, words=Options(where={"channel": ("Google", "")}))
    assert "2 rows without a channel, counted all the same (cost 12.00)" in told.notes[0].remarks()
    leads = (
        "lead_id,created,channel,mql_date,sql_date,won_date,value\n"
        "1,2024-01-01,x,,,,100\n2,,x,,,2024-02-01,200\n"
    )
    told = filled("funnel", text_file(tmp_path / "leads.csv", leads))
    assert "1 row without a created, counted all the same (200.00)" in told.notes[0].remarks()


def test_days_that_were_swapped_beside_texts_are_refused() -> None:
    """Saved in Germany from 03/05/2024 and 03/13/2024, which are the 5th and 13th of March."""
    cells = {"date": [date(2024, 5, 3), "03/13/2024", date(2024, 7, 3)]}
    (fault,) = dates(cells).faults
    assert (fault.column, fault.at) == ("date", 1)
    assert "day and month swapped" in str(fault.sentence)
    assert not dates(cells, "mdy", certain=True).faults
    # A day after the 12th among the dates shows that they were read as they were written.
    fine = {"date": [date(2024, 3, 5), "03/13/2024", date(2024, 3, 14)]}
    assert dates(fine).columns["date"][1] == date(2024, 3, 13)
    assert not dates({"date": [date(2024, 3, 5), "2024-03-13"]}).faults


def test_a_workbook_with_swapped_days_is_refused(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["customer", "date", "amount"])
        for row, cell in enumerate([date(2024, 5, 3), "03/13/2024", date(2024, 7, 3)], start=1):
            sheet.write_row(row, 0, ["a", "", 10])
            if isinstance(cell, date):
                sheet.write_datetime(row, 1, cell, day)
            else:
                sheet.write_string(row, 1, cell)

    path = tmp_path / "orders.xlsx"
    path.write_bytes(written(fill))
    assert "day and month swapped" in refusal("retention", path)
    right = filled("retention", path, words=Options(dates="mdy"))
    assert column(right, "Orders", "date")[1] == date(2024, 3, 13)


def spreadsheet(cells: str) -> bytes:
    """An OpenDocument spreadsheet with one sheet of these rows."""
    urn = "urn:oasis:names:tc:opendocument:xmlns:"
    content = (
        f'<office:document-content xmlns:office="{urn}office:1.0" xmlns:table="{urn}table:1.0"'
        f' xmlns:text="{urn}text:1.0" xmlns:calcext="urn:org:documentfoundation:names:experimental:'
        'calc:xmlns:calcext:1.0" office:version="1.3"><office:body><office:spreadsheet>'
        f'<table:table table:name="Sales">{cells}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr("META-INF/manifest.xml", "<manifest/>")
        package.writestr("content.xml", content)
    return out.getvalue()


def test_errors_in_a_file_of_libreoffice_are_no_blanks(tmp_path: Path) -> None:
    """As LibreOffice writes them; the revenue would be 400 of three orders."""

    def texts(*cells: str) -> str:
        return "".join(f"<table:table-cell><text:p>{one}</text:p></table:table-cell>"
                       .replace("<table:table-cell>",
                                '<table:table-cell office:value-type="string">')
                       for one in cells)  # fmt: skip

    def row(*cells: str, times: int = 1) -> str:
        repeated = f' table:number-rows-repeated="{times}"'
        return f"<table:table-row{repeated}>{''.join(cells)}</table:table-row>"

    amount = '<table:table-cell office:value-type="float" office:value="200"/>'
    wrong = (
        '<table:table-cell office:value-type="string" office:string-value=""'
        ' calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>'
    )
    gap = '<table:table-cell table:number-columns-repeated="2"/>'
    header = row(texts("customer", "date"), gap, texts("amount"))
    good = row(texts("a", "2024-03-01"), gap, amount, times=2)
    path = tmp_path / "orders.ods"
    path.write_bytes(spreadsheet(header + good))
    assert total(filled("retention", path), "Orders", "amount") == 400
    path.write_bytes(spreadsheet(header + good + row(texts("b", "2024-03-02"), gap, wrong)))
    assert 'row 4, column "amount" (Sales!E4): "#DIV/0!" is an error' in refusal("retention", path)


def test_blanks_of_an_old_workbook_may_be_errors() -> None:
    """LibreOffice's, of orders of 200.50, =1/0 and 200.00: the reader has a blank for the error."""
    told = filled("retention", Path(__file__).parent / "exports" / "one_error.xls")
    assert total(told, "Orders", "amount") == 400.5
    assert "blank cells in columns of numbers: 1;" in told.notes[0].remarks()


def sheet_of(rows: Sequence[Sequence[object]], *merged: str, formats: Sequence[str] = ()) -> bytes:
    """A workbook with these cells; `formats` are those of the numbers, in their order."""

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        left = list(formats)
        for row, cells in enumerate(rows):
            for place, cell in enumerate(cells):
                if isinstance(cell, date):
                    sheet.write_datetime(row, place, cell, day)
                elif isinstance(cell, int | float) and left:
                    sheet.write(row, place, cell, book.add_format({"num_format": left.pop(0)}))
                elif cell is not None:
                    sheet.write(row, place, cell)
        for address in merged:
            place = area("", address)
            sheet.merge_range(address, rows[place.top - 1][place.left - 1])

    return written(fill)


NEW_YEAR, NEXT_DAY = date(2024, 1, 1), date(2024, 1, 2)
ADS = ("date", "channel", "campaign", "cost", "clicks", "conversions", "revenue")
MERGED_ADS = [
    ADS,
    (NEW_YEAR, "Search", "A", 10, 5, 1, 30),
    (NEXT_DAY, None, "A", 20, 6, 1, 40),
    (NEW_YEAR, "Social", "B", 30, 7, 1, 50),
    (NEXT_DAY, None, "B", 40, 8, 1, 60),
]


@pytest.mark.parametrize("header", ["channel", "Source"])
def test_merged_cells_hold_for_all_their_rows(header: str, tmp_path: Path) -> None:
    """With our headers, and with those that the user names, which another reader reads."""
    path = tmp_path / "ads.xlsx"
    rows = [tuple(header if cell == "channel" else cell for cell in ADS), *MERGED_ADS[1:]]
    path.write_bytes(sheet_of(rows, "B2:B3", "B4:B5"))
    words = Options(renamed={"Source": "channel"}) if header == "Source" else None
    told = filled("campaigns", path, words=words)
    assert column(told, "Ads", "channel") == ["Search", "Search", "Social", "Social"]
    assert "without a channel" not in told.notes[0].remarks()


@pytest.mark.parametrize("number", [7, "R7"])
@pytest.mark.parametrize("header", ["order", "Order ID", "No"])
def test_a_merged_number_of_an_order_is_that_of_its_lines(
    header: str, number: object, tmp_path: Path
) -> None:
    path = tmp_path / "orders.xlsx"
    rows = [
        (header, "customer", "date", "amount"),
        (number, "a", NEW_YEAR, 40),
        (None, "a", NEW_YEAR, 60),
        (8, "b", NEXT_DAY, 200),
    ]
    path.write_bytes(sheet_of(rows, "A2:A3"))
    if header == "Order ID":  # nobody has said yet that it is the number of an order
        assert f"the same Order ID in several rows ({number})" in refusal("retention", path)
        return
    words = Options(renamed={"No": "order"}) if header == "No" else None
    assert column(filled("retention", path, words=words), "Orders", "order") == [number, number, 8]


def test_an_amount_in_merged_cells_is_one(tmp_path: Path) -> None:
    """The cost of two days, which the first of them has: 30 in all, and not 60."""
    path = tmp_path / "ads.xlsx"
    rows = [ADS, (NEW_YEAR, "x", "A", 30, 5, 1, 30), (NEXT_DAY, "x", "A", None, 6, 1, 40)]
    path.write_bytes(sheet_of(rows, "D2:D3"))
    told = filled("campaigns", path)
    assert total(told, "Ads", "cost") == 30
    assert "cost: numbers in cells merged over several rows, each in" in told.notes[0].remarks()


def test_merged_cells_of_libreoffice(tmp_path: Path) -> None:
    """As LibreOffice writes them; its cells are read without what it says of them."""
    gap = "<table:covered-table-cell/>"

    def text(cell: str, more: str = "") -> str:
        kind = 'office:value-type="string"'
        return f"<table:table-cell {kind}{more}><text:p>{cell}</text:p></table:table-cell>"

    def amount(cell: int) -> str:
        return f'<table:table-cell office:value-type="float" office:value="{cell}"/>'

    two = ' table:number-columns-spanned="1" table:number-rows-spanned="2"'
    rows = (
        *map(text, ("customer", "date", "amount")),
        *(text("a", two), text("2024-03-01"), amount(40)),
        *(gap, text("2024-03-02"), amount(60)),
    )
    lines = ("".join(rows[at : at + 3]) for at in (0, 3, 6))
    hidden = '<table:table-row table:visibility="filter">'
    content = "".join(f"<table:table-row>{line}</table:table-row>" for line in lines)
    path = tmp_path / "orders.ods"
    path.write_bytes(spreadsheet(content))
    assert column(filled("retention", path), "Orders", "customer") == ["a", "a"]
    head, _, last = content.rpartition("<table:table-row>")
    path.write_bytes(spreadsheet(head + hidden + last))
    assert "hidden in Excel, but counted: 1 row" in filled("retention", path).notes[0].remarks()


EUROS, DOLLARS, ACCOUNTS = "[$€-407] #,##0.00", '"$"#,##0.00', '_-* #,##0.00\\ "€"_-;_-@_-'
ORDERS = [
    ("customer", "date", "amount"),
    ("a", NEW_YEAR, 100.5),
    ("b", NEXT_DAY, 200),
    ("a", date(2024, 3, 5), 300),
]


@pytest.mark.parametrize(
    ("formats", "said", "told"),
    [
        ((EUROS, DOLLARS, EUROS), "", "the amounts are in $ and EUR, which cannot be added"),
        ((EUROS, "[$CHF] 0.00", ACCOUNTS), "", "the amounts are in CHF and EUR, which cannot"),
        ((EUROS, ACCOUNTS, "#,##0 €"), "USD", "has amounts with the sign €, which are said to be"),
        ((EUROS, ACCOUNTS, "#,##0 [$EUR]"), "", "EUR"),
        ((EUROS, ACCOUNTS, "#,##0 [$EUR]"), "EUR", "EUR"),
        (("#,##0.00", "General", "[$-407]0"), "", "currency not said"),
        (("$#,##0", DOLLARS, '[$CAD] 0'), "", "CAD"),  # one may be the other
    ],
)  # fmt: skip
def test_currencies_that_number_formats_alone_say(
    formats: Sequence[str], said: str, told: str, tmp_path: Path
) -> None:
    """€ 100.50, $ 200 and € 300 were 600.50."""
    path = tmp_path / "orders.xlsx"
    path.write_bytes(sheet_of(ORDERS, formats=formats))
    words = Options(currency=said) if said else None
    if len(told) > 20:
        with pytest.raises(SourceError, match=re.escape(told)):
            filled("retention", path, words=words)
        return
    found = filled("retention", path, words=words)
    assert total(found, "Orders", "amount") == 600.5
    assert told in (found.notes[0].remarks() or "currency not said")


def test_amounts_of_several_currencies_are_converted_by_their_formats(tmp_path: Path) -> None:
    """100.50 + 300 and 200 at 0.5 are 500.50."""
    path = tmp_path / "orders.xlsx"
    path.write_bytes(sheet_of(ORDERS, formats=(EUROS, "[$USD] 0", EUROS)))
    rates = text_file(tmp_path / "rates.csv", "currency,rate\nEUR,1\nUSD,0.5\n")
    found = filled("retention", path, rates=rates_of(rates), report_currency="EUR")
    assert total(found, "Orders", "amount") == 500.5


def test_currencies_of_formats_in_tables_read_strictly(tmp_path: Path) -> None:
    """What reads a table of ours without pandas says in which cell."""
    path = tmp_path / "orders.xlsx"
    columns = SCHEMAS["retention"].inputs[0].columns
    path.write_bytes(sheet_of(ORDERS, formats=(EUROS, DOLLARS, EUROS)))
    with pytest.raises(SourceError) as caught:
        read_table(path, columns)
    assert 'row 3, column "amount" (Sheet1!C3): the column is in more than one' in str(caught.value)
    path.write_bytes(sheet_of(ORDERS, formats=(EUROS, EUROS, EUROS)))
    assert "amounts in EUR" in read_table(path, columns).remarks
    # A 0 is the same in each.
    none = [*ORDERS[:2], ("b", NEXT_DAY, 0), ORDERS[3]]
    path.write_bytes(sheet_of(none, formats=(EUROS, DOLLARS, EUROS)))
    assert "amounts in EUR" in read_table(path, columns).remarks


def test_currencies_of_formats_in_months_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "spend.xlsx"
    rows = [("Channel", "Jan 2024", "Feb 2024"), ("x", 1, 2), ("y", 3, 4)]
    path.write_bytes(sheet_of(rows, formats=(EUROS, EUROS, EUROS, DOLLARS)))
    assert "mixes currencies" in refusal("funnel", path)
    path.write_bytes(sheet_of(rows, formats=(EUROS, EUROS, EUROS, EUROS)))
    found = filled("funnel", path)
    assert (total(found, "Spend", "spend"), found.currency) == (10, "EUR")


def test_currencies_of_formats_in_a_vendors_workbook(tmp_path: Path) -> None:
    """A vendor that names the currency knows it; where it names none, its formats tell."""
    path = tmp_path / "ads.xlsx"
    rows = [("Campaign", "Day", "Cost", "Clicks", "Impr.", "Conversions", "Conv. value"),
            ("A", "2024-01-01", 5, 1, 9, 1, 10), ("A", "2024-01-02", 6, 1, 9, 1, 10)]  # fmt: skip
    plain = ("0", "0", "0", "0")
    formats = (EUROS, *plain, DOLLARS, *plain)
    path.write_bytes(sheet_of(rows, formats=formats))
    assert "the amounts are in $ and EUR" in refusal("campaigns", path)
    named = [(*row, cell) for row, cell in zip(rows, ("Currency code", "CHF", "CHF"), strict=True)]
    path.write_bytes(sheet_of(named, formats=formats))
    found = filled("campaigns", path)
    assert (total(found, "Ads", "cost"), found.currency) == (11, "CHF")


def test_currencies_of_cells_of_libreoffice(tmp_path: Path) -> None:
    """Excel's dollars are plain numbers there, with the sign in what is shown."""
    text = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    euros = (
        '<table:table-cell office:value-type="currency" office:currency="EUR"'
        ' office:value="100.5"><text:p>€ 100.50</text:p></table:table-cell>'
    )
    dollars = (
        '<table:table-cell office:value-type="float" office:value="200">'
        "<text:p>$200.00</text:p></table:table-cell>"
    )
    path = tmp_path / "orders.ods"
    canadian = euros.replace("EUR", "CAD").replace("€ ", "$")
    for amounts, told in (
        ((euros, dollars), "the amounts are in $ and EUR"),
        ((euros, euros), "EUR"),
        ((canadian, canadian), "CAD"),  # the code tells more than the sign
    ):
        cells = [map(text.format, ORDERS[0])]
        cells += [(*map(text.format, ("a", "2024-03-01")), amount) for amount in amounts]
        rows = (f"<table:table-row>{''.join(line)}</table:table-row>" for line in cells)
        path.write_bytes(spreadsheet("".join(rows)))
        if len(told) > 3:
            assert told in refusal("retention", path)
        else:
            found = filled("retention", path)
            assert (total(found, "Orders", "amount"), found.currency) == (201, told)


@pytest.mark.parametrize(
    ("code", "sign"),
    [
        ("[$€-407] #,##0.00", "€"), ("[$-409]#,##0.00", ""), ("$#,##0", "$"), ("[$R-1C09]0", "R"),
        ('_("$"* #,##0.00_);_("$"* \\(#,##0.00\\);_("$"* "-"??_);_(@_)', "$"), ("[$-F800]dddd", ""),
        ('#,##0.00\\ "kr"', "kr"), ('0.0,,"M"', ""), ('0 "kg"', ""), ('yyyy"年"m"月"', ""),
        ('#,##0"元"', "元"), ("[$R$-416] 0", "R$"), ("[Red]-#,##0 €", "€"), ("0.0%", ""),
    ],
)  # fmt: skip
def test_signs_in_number_formats(code: str, sign: str) -> None:
    assert sign_in(code) == sign


def test_currencies_of_formats_of_cells_without_addresses(tmp_path: Path) -> None:
    """As some programs leave out r="C2", which stands for the next cell."""
    path = tmp_path / "orders.xlsx"
    content = sheet_of(ORDERS, formats=(EUROS, DOLLARS, EUROS))
    part = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        xml = re.sub(rb'<c r="[A-Z]+\d+"', b"<c", package.read(part))
    path.write_bytes(with_members(content, {part: xml}))
    assert "the amounts are in $ and EUR" in refusal("retention", path)


def test_what_a_workbook_has_under_the_name_of_the_table_is_read(tmp_path: Path) -> None:
    """An Excel table of ours, whose amounts are shown with a sign, beside other cells."""

    def fill(book: xlsxwriter.Workbook) -> None:
        euros = book.add_format({"num_format": EUROS})
        other, sheet = book.add_worksheet("Old"), book.add_worksheet("New")
        other.write_row(0, 0, [*ORDERS[0], "order", "status"])
        other.write_row(1, 0, ["z", "2020-01-01", 7, "1", "paid"])
        sheet.write_row(0, 0, ["Report of January"])
        sheet.write_row(3, 2, ORDERS[0])
        for row, amount in enumerate((100, 50), start=4):
            sheet.write_row(row, 2, ["a", "2024-01-05"])
            sheet.write(row, 4, amount, euros)
        sheet.write_row(6, 2, ["", "", 150])
        columns = [{"header": str(name)} for name in ORDERS[0]]
        columns[2]["total_function"] = "sum"
        sheet.add_table("C4:E7", {"name": "Orders", "columns": columns, "total_row": True})
        sheet.write_row(9, 2, ["b", "2024-01-05", 1000])

    path = tmp_path / "book.xlsx"
    path.write_bytes(written(fill))
    tables = {one.name: one.columns for one in SCHEMAS["retention"].inputs}
    for options in (Options(), Options(currency="EUR")):
        found = read_files([Request(path, "Orders", options)], tables, known_layouts())
        assert found.tables["Orders"].columns["amount"] == [100, 50]
        assert found.currency == "EUR"


@pytest.mark.parametrize(
    ("header", "scale"),
    [
        ("Revenue (k€)", "k€"), ("Umsatz (T€)", "T€"), ("Umsatz in Tsd. €", "in Tsd. €"),
        ("Umsatz [Mio. €]", "Mio. €"), ("金额\uff08万元\uff09", "万元"), ("收入 亿元", "亿元"),
        ("Выручка, тыс. рублей", "тыс. рублей"), ("Выручка (млн)", "млн"),
        ("درآمد (هزار تومان)", "هزار تومان"), ("Cost ($000s)", "$000s"), ("Cost ('000)", "'000"),
        ("CA (milliers d'euros)", "milliers d'euros"), ("Receita (R$ mil)", "R$ mil"),
        ("Revenue in thousands", "in thousands"), ("Impressions (K)", "K"),
        ("Spend (lakhs)", "lakhs"),
        ("Amount (EUR)", ""), ("Sales (net)", ""), ("Net sales (30 days)", ""), ("Plan B", ""),
        ("Group M", ""), ("Cost per mille", ""), ("Total 2024", ""), ("Sold (tons)", ""),
        ("K", ""),
    ],
)  # fmt: skip
def test_units_of_thousands_in_headers(header: str, scale: str) -> None:
    assert scale_in(header) == scale


def test_figures_in_thousands_are_refused(tmp_path: Path) -> None:
    text = "customer,date,Umsatz (T€)\na,2024-01-05,1.5\nb,2024-01-06,2.5\n"
    words = Options(renamed={"Umsatz (T€)": "amount"})
    path = text_file(tmp_path / "orders.csv", text)
    with pytest.raises(SourceError, match=r'"Umsatz \(T€\)" says that the numbers are in T€'):
        filled("retention", path, words=words)
    for above, scale in (
        ("单位\uff1a万元", "万元"),
        ("Alle Angaben in TEUR", "in TEUR"),
        ("2024", ""),
    ):
        path = text_file(
            tmp_path / "above.csv", f"{above},,\n{text}".replace("Umsatz (T€)", "amount")
        )
        if scale:
            with pytest.raises(SourceError, match=f"says that the numbers are in .*{scale}"):
                filled("retention", path, words=Options(header=2))
        else:
            assert (
                total(filled("retention", path, words=Options(header=2)), "Orders", "amount") == 4
            )
    # A name is no number.
    path = text_file(tmp_path / "names.csv", "Who (k),date,amount\na,2024-01-05,4\n")
    named = filled("retention", path, words=Options(renamed={"Who (k)": "customer"}))
    assert total(named, "Orders", "amount") == 4
