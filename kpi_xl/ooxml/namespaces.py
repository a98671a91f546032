"""The namespaces of the file format, as ECMA-376 (Office Open XML) has them."""

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
"""Of references to other parts, and what the kinds of these begin with."""
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
"""What those of a package's own parts begin with: its types and relations."""
