"""Ten KPIs of a company's own, of ten kinds, and what they show: the same in every host."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cases import arguments as literal_arguments

from kpi_xl import METRICS, own

MONEY, COUNT, RATE, VALUE = ({"unit": unit} for unit in ("MONEY", "COUNT", "RATE", "VALUE"))

# Ten kinds, each with figures that are worked out by hand.
TEN: dict[str, dict[str, Any]] = {
    "MARGIN_ROAS": {  # on one of our functions
        "formula": "margin * ROAS(revenue, ad_spend)",
        "returns": "RATIO",
        "arguments": {"revenue": MONEY, "ad_spend": MONEY, "margin": {**RATE, "default": 0.4}},
        "example": ["=MARGIN_ROAS(100000,10000)", 4],
    },
    "LOADED_CAC": {  # a ratio of sums
        "formula": "(spend + salaries) / customers",
        "returns": "MONEY",
        "arguments": {"spend": MONEY, "salaries": MONEY, "customers": COUNT},
        "example": ["=LOADED_CAC(600,400,10)", 100],
    },
    "CONTRIBUTION": {  # a difference
        "formula": "revenue - cost",
        "returns": "MONEY",
        "arguments": {"revenue": MONEY, "cost": MONEY},
        "example": ["=CONTRIBUTION(10,4)", 6],
    },
    "TIERED_FEE": {  # conditional
        "formula": "IF(revenue > 1000, revenue * 5%, MAX(20, revenue * 8%))",
        "returns": "MONEY",
        "arguments": {"revenue": MONEY},
        "example": ["=TIERED_FEE(500)", 40],
    },
    "BASKET": {  # over a column
        "formula": "SUM(amounts) / COUNT(amounts)",
        "returns": "MONEY",
        "arguments": {"amounts": MONEY},
        "example": ["=BASKET({10;20;60})", 30],
    },
    "PAYBACK_RATING": {  # a text
        "formula": 'IF(MARGIN_ROAS(revenue, ad_spend) >= 3, "good", "poor")',
        "returns": "TEXT",
        "arguments": {"revenue": MONEY, "ad_spend": MONEY},
        "example": ["=PAYBACK_RATING(100,10)", "good"],
    },
    "WEEKS_TO_GOAL": {  # rounded
        "formula": "ROUND((target - actual) / per_week, 1)",
        "returns": "PERIODS",
        "arguments": {"target": COUNT, "actual": COUNT, "per_week": COUNT},
        "example": ["=WEEKS_TO_GOAL(100,75,10)", 2.5],
    },
    "ON_PLAN": {  # a logical value
        "formula": "AND(actual >= plan, NOT(actual > 2 * plan))",
        "returns": "LOGICAL",
        "arguments": {"actual": COUNT, "plan": COUNT},
        "example": ["=ON_PLAN(12,10)", True],
    },
    "RATE_90D": {  # an error caught; a digit in the name
        "formula": "IFERROR(won / (won + lost), 0)",
        "returns": "RATE",
        "arguments": {"won": COUNT, "lost": COUNT},
        "example": ["=RATE_90D(0,0)", 0],
    },
    "NET_SCORE": {  # a column of one of our functions
        "formula": "NPS(scores) - baseline",
        "returns": "SCORE",
        "arguments": {"scores": {"unit": "SCORE"}, "baseline": {"unit": "SCORE", "default": 10}},
        "example": ["=NET_SCORE({10;9;3})", 23.33333333],
    },
}


def toml(definitions: dict[str, dict[str, Any]]) -> str:
    """Definitions as their file holds them."""
    lines = []
    for name, fields in definitions.items():
        lines.append(f"[{name}]")
        for key, value in (
            {"source": "Handbook", "help": {"en": "One of our own."}} | fields
        ).items():
            if key == "arguments":
                for argument, said in value.items():
                    inside = ", ".join(f"{k} = {json.dumps(v)}" for k, v in said.items())
                    lines.append(f"arguments.{argument} = {{ {inside} }}")
            elif isinstance(value, dict):
                lines += [f"{key}.{k} = {json.dumps(v)}" for k, v in value.items()]
            else:
                lines.append(f"{key} = {json.dumps(value)}")
    return "\n".join(lines)


def column(*cells: Any) -> list[list[Any]]:
    return [[cell] for cell in cells]


# Function, arguments, result: each worked out by hand.
OWN_CASES: dict[str, tuple[str, list[Any], Any]] = {
    "a default left out": ("MARGIN_ROAS", [100.0, 10.0], 0.4 * 10),
    "a default by a blank": ("MARGIN_ROAS", [100.0, 10.0, None], 0.4 * 10),
    "a zero is no blank": ("MARGIN_ROAS", [100.0, 10.0, 0.0], 0),
    "one of ours divides by 0": ("MARGIN_ROAS", [100.0, 0.0, 0.5], "#DIV/0!"),
    "an error in a default": ("MARGIN_ROAS", [100.0, 10.0, "#NULL!"], "#NULL!"),
    "a text": ("MARGIN_ROAS", ["x", 1.0, 0.5], "#VALUE!"),
    "over a column": (
        "MARGIN_ROAS",
        [100.0, column(10.0, 0.0, 20.0), 0.5],
        [[5], ["#DIV/0!"], [2.5]],
    ),
    "a blank in a sum": ("LOADED_CAC", [600.0, None, 10.0], 60),
    "a blank below the line": ("LOADED_CAC", [600.0, 1.0, None], "#DIV/0!"),
    "a count below 0": ("LOADED_CAC", [600.0, 1.0, -1.0], "#NUM!"),
    "an error before a text": ("LOADED_CAC", ["x", "#N/A", 10.0], "#N/A"),
    "a difference below 0": ("CONTRIBUTION", [4.0, 10.0], -6),
    "TRUE as a number": ("CONTRIBUTION", [True, 3.0], -2),
    "a column less a row": (
        "CONTRIBUTION",
        [column(10.0, 20.0), [[1.0, 2.0]]],
        [[9, 8], [19, 18]],
    ),
    "the first branch": ("TIERED_FEE", [2000.0], 100),
    "the second": ("TIERED_FEE", [500.0], 40),
    "its least": ("TIERED_FEE", [100.0], 20),
    "at the limit": ("TIERED_FEE", [1000.0], 80),
    "a blank": ("TIERED_FEE", [None], 20),
    "a column with blanks": ("BASKET", [column(10.0, None, 50.0)], 30),
    "a column of nothing": ("BASKET", [column(None, None)], "#N/A"),
    "a text in a column": ("BASKET", [column(10.0, "x")], "#VALUE!"),
    "a single cell": ("BASKET", [10.0], 10),
    "a text for a result": ("PAYBACK_RATING", [100.0, 10.0], "good"),
    "another text": ("PAYBACK_RATING", [10.0, 10.0], "poor"),
    "an error for a text": ("PAYBACK_RATING", [10.0, 0.0], "#DIV/0!"),
    "rounded": ("WEEKS_TO_GOAL", [100.0, 74.0, 8.0], 3.3),  # 3.25, and half goes up
    "rounded below 0": ("WEEKS_TO_GOAL", [74.0, 100.0, 8.0], -3.3),
    "at once twice the plan": ("ON_PLAN", [20.0, 10.0], True),
    "too much": ("ON_PLAN", [30.0, 10.0], False),
    "too little": ("ON_PLAN", [9.0, 10.0], False),
    "caught": ("RATE_90D", [0.0, 0.0], 0),
    "nothing to catch": ("RATE_90D", [1.0, 3.0], 0.25),
    "an error of a cell is not caught": ("RATE_90D", ["#N/A", 1.0], "#N/A"),
    "a column of one of ours": ("NET_SCORE", [column(10.0, 9.0, 3.0), 0.0], 100 / 3),
    "a score of 11": ("NET_SCORE", [column(10.0, 11.0), 0.0], "#NUM!"),
    **{
        f"={name}": (name, literal_arguments(one["example"][0]), one["example"][1])
        for name, one in TEN.items()
    },
}
OWN_CALLS = {case: (name, given) for case, (name, given, _) in OWN_CASES.items()}
# What Calc hands over otherwise, as with ours: EXCEPTIONS of the table of cases has the reasons.
IN_CALC = {"a default by a blank": 0}


@contextmanager
def nothing_of_ones_own() -> Iterator[None]:
    """No KPIs of one's own in this process, and afterwards those of before."""
    records = (METRICS, own.FINGERPRINTS, own.FILES, own.TEXTS, own.EFFORTS)
    before = [dict(record) for record in records]
    faults = list(own.FAULTS)
    own.FAULTS.clear()
    try:
        yield
    finally:
        own.FAULTS[:] = faults
        for record, held in zip(records, before, strict=True):
            record.clear()  # type: ignore[attr-defined]
            record.update(held)  # type: ignore[attr-defined]


def enter_ten() -> None:
    own.define(toml(TEN))
    assert [fault for fault in own.FAULTS if not fault.kept] == []
