"""Template workbooks: a builder each."""
