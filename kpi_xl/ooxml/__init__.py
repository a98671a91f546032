"""The file format of workbooks: packages, sheets, blocks of cells, notes, VBA projects."""
