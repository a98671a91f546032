"""The embedded engine: computes workbooks where no spreadsheet program is."""
