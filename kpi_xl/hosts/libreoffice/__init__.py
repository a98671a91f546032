"""LibreOffice: the functions and reports in Calc, and Calc without windows."""
