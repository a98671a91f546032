"""What xlwings loads: the functions for Excel."""
