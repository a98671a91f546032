"""What stands in rewritten formulas beside Excel's own: holes for references, functions of ours."""

import re

OMITTED = "\ue000omitted"
"""What the engine is given for an argument left out of a KPI function."""

OPEN, CLOSE, PLACE, HELD_OPEN, ENDED_OPEN = "\ue001", "\ue002", "\ue003", "\ue007", "\ue00a"
"""Around the number of a reference in a rewritten formula, for it moves with the formula; where a
function of ours is told which formula calls it; and what opens a reference that is held, or whole
columns or rows as far as the sheet goes, where the engine would end them with what is filled."""
HOLE = re.compile(f"{OPEN}(\\d+){CLOSE}|{HELD_OPEN}(\\d+){CLOSE}|{ENDED_OPEN}(\\d+){CLOSE}|{PLACE}")
TRIMMED = re.compile(f"KPIXL\\.TRIM\\(KPIXL\\.T\\(({HELD_OPEN}\\d+{CLOSE}){PLACE}\\)\\)")
"""TRIM of a range that is held, which many formulas compare with texts of their own."""

COMPARED, ORDERED, AS_TEXT, POWER = "KPIXL.C", "KPIXL.O", "KPIXL.T", "KPIXL.POWER"
CONDITION, LOGICAL_TEXT, DIFFERENCE = "KPIXL.B", "KPIXL.U", "KPIXL.Z"
IN_CALENDAR, IS_FINITE, INCLUDED = "KPIXL.D", "KPIXL.F", "KPIXL.I"
ONE_CELL, A_NUMBER = "KPIXL.V", "KPIXL.N"
GUARD, CRITERION, DOUBT = "KPIXL.K", "KPIXL.Q", "KPIXL.X"
DATE, FREQUENCY, SWITCH = "KPIXL.DATE", "KPIXL.FREQUENCY", "KPIXL.SWITCH"
MODE, UPPER, LOWER, TRIM = "KPIXL.MODE", "KPIXL.UPPER", "KPIXL.LOWER", "KPIXL.TRIM"
WHOLE, SPILLED = "KPIXL.W", "KPIXL.S"
WHOLE_NUMBER, FORMATTED, MOD, FROM_1 = "KPIXL.WN", "KPIXL.FM", "KPIXL.MOD", "KPIXL.F1"
SAME, HOLD, COMPARED_WORDS = "KPIXL.E", "KPIXL.H", "KPIXL.CW"
OURS = "KPIXL.X."  # and the name of a function that excel.py computes
"""Our own functions, for what the engine does otherwise than Excel; embedded.py has them."""

WRAPPED = {
    "t": AS_TEXT,
    "u": LOGICAL_TEXT,
    "i": INCLUDED,
    "b": CONDITION,
    "c": CONDITION,
    "e": A_NUMBER,
}
"""Which of them goes around an argument, by the letter of its parameter."""

MAY_BE_UNSURE = {
    ORDERED,
    AS_TEXT,
    IN_CALENDAR,
    INCLUDED,
    ONE_CELL,
    DIFFERENCE,
    A_NUMBER,
    DATE,
    SWITCH,
    MODE,
    UPPER,
    LOWER,
    WHOLE_NUMBER,
    FORMATTED,
    MOD,
    FROM_1,
}
"""Those that may find that the engine cannot be sure; they are told which formula calls them."""
