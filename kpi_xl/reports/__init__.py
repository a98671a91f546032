"""What the buttons of a template workbook do, without the program that the workbook is open in.

Pure functions, from what was read of a workbook to what is to be written into it. A host (Excel
through xlwings, Calc through UNO) is an adapter of a page:

1. Read an `Opened` (records.py): the cells named layout.TEMPLATE and layout.LANGUAGE, the tables
   that `inputs_of` lists and the table Sources, each with its cells and those below it, the places
   named in layout.PLACES, and the workbook's folder. Blank cells are None, errors their text
   ("#N/A"), numbers floats, dates datetimes or serial numbers.
2. Call loading.loaded (Refresh report, Load data) or checking.checked (Check data). Nothing has
   been written by then, whatever happens: a mistake of the user's is a ReportError with its
   sentence.
3. Apply the `Change`: first the resized tables, whose new rows get the looks of their first one,
   then the blocks of cells. Text is written as text, also where it looks like a formula. Where the
   host fails in between, put back what was there, and let the error through.
4. Show `Change.message`, and go to the sheet Checks where `Change.found` says that something is
   wrong.

Explain this cell and Freeze for sharing have modules of their own, too. Here nothing is imported:
templates ask for the layout of a report, and not for all that reads files.
"""
