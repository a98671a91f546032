"""What blanks, text, errors, bounds, ranges and omitted arguments mean, function by function."""

from datetime import date, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from kpi_xl import METRICS
from kpi_xl.cells import Flat, evaluate
from kpi_xl.errors import CellError


def call(name: str, *arguments: Any) -> Any:
    return evaluate(METRICS[name], arguments)


def column(*cells: Any) -> list[list[Any]]:
    return [[cell] for cell in cells]


# Scalars


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((50_000, 250), 200.0),
        (([[50_000]], [[250]]), 200.0),
        ((50_000, None), "#DIV/0!"),
        ((50_000, ""), "#DIV/0!"),
        ((None, 250), 0.0),
        ((50_000, 0), "#DIV/0!"),
        ((50_000, -1), "#NUM!"),
        ((-50_000, 250), -200.0),  # refunds: money may be negative
        (("1,200", 250), "#VALUE!"),
        (("12%", 250), "#VALUE!"),
        (("#REF!", 0), "#REF!"),
        (("#REF!", "#N/A"), "#REF!"),
        (("text", "#N/A"), "#N/A"),
        (("text", -1), "#VALUE!"),
        ((True, 2), 0.5),
        ((Decimal("1.5"), 3), 0.5),
        ((float("nan"), 2), "#NUM!"),
        ((float("inf"), 2), "#NUM!"),
        ((10**400, 2), "#NUM!"),
        ((1e308, 1e-300), "#NUM!"),
        (({"type": "Entity"}, 2), "#VALUE!"),
        ((1,), "#VALUE!"),
        ((1, 2, 3), "#VALUE!"),
    ],
)
def test_cac(arguments: tuple[Any, ...], expected: Any) -> None:
    assert call("CAC", *arguments) == expected


def test_a_date_cell_is_its_serial_number() -> None:
    assert call("CAC", datetime(2024, 1, 1, 12), 1) == 45292.5
    assert call("CAC", date(1900, 2, 28), 1) == 59.0
    assert call("CAC", date(1900, 3, 1), 1) == 61.0  # after the day that never was


def test_errors_come_in_the_order_of_the_catalogue() -> None:
    # An error cell, text, a number outside its domain, a zero denominator, a rule across arguments.
    assert call("RETENTION_RATE", "#N/A", "x", -1) == "#N/A"
    assert call("RETENTION_RATE", "x", -1, 0) == "#VALUE!"
    assert call("RETENTION_RATE", 1, -1, 0) == "#NUM!"
    assert call("RETENTION_RATE", 1, 2, 0) == "#DIV/0!"
    assert call("RETENTION_RATE", 1, 2, 9) == "#NUM!"
    assert call("RETENTION_RATE", 9, 2, 5) == "#NUM!"
    assert call("BOUNCE_RATE", 5, 0) == "#DIV/0!"
    assert call("BOUNCE_RATE", 5, 4) == "#NUM!"
    assert call("AB_LIFT", 0, 10, 20, 10) == "#DIV/0!"


def test_every_error_says_why() -> None:
    for arguments, words in (
        ((1, 0), "new_customers is 0 or blank"),
        ((1, -2), "new_customers is -2; it must be above 0"),
        (("a", 1), 'spend is the text "a", not a number'),
        (("#N/A", 1), "spend holds the error #N/A"),
        ((1,), "CAC(spend, new_customers) was given 1 of its arguments"),
    ):
        error = call("CAC", *arguments)
        assert isinstance(error, CellError)
        assert words in error.sentence


def test_money_is_no_negative_denominator() -> None:
    assert call("ROAS", 100, -10) == "#NUM!"
    assert call("ROAS", -100, 10) == -10.0
    assert call("SALES_GROWTH", 5, 0) == "#DIV/0!"
    assert call("SALES_GROWTH", 5, -1) == "#NUM!"
    assert call("CAC_PAYBACK", 600, 100, -0.5) == "#NUM!"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("CLV_RETENTION", (1, 1.01)),
        ("CLV_RETENTION", (1, -0.01)),
        ("CLV_RETENTION", (1, 1, 0)),
        ("CLV_RETENTION", (1, 0.5, 1)),
        ("CLV_RETENTION", (1, 0.5, 0, 0.5)),
        ("CLV_CHURN", (1, 1.5)),
        ("CLV", (1, 1, 1, 1.1)),
        ("CLV_EXPANSION", (1, 0.5, -1)),
        ("BREAKEVEN_ROAS", (1.5,)),
        ("SALES_VELOCITY", (1, 1.1, 1, 1)),
        ("NPS", (column(11),)),
        ("NPS", (column(-1),)),
        ("NPS", (column(9.5),)),
        ("NPS_ERROR", (1, 1, 1, 1)),
        ("NPS_ERROR", (1, 1, 1, 0)),
        ("CSAT", (column(5, 7),)),
        ("GRR", (10, 6, 5)),
        ("NRR", (10, 6, 5, 3)),
        ("NRR", (10, 1, 1, -1)),
        ("RUN_RATE", (1, 3, 2)),
        ("KPI_STATUS", (1, 1, 1, 1)),
        ("AVG_GROWTH", (column(0, 1),)),
        ("AVG_GROWTH", (column(1, -1),)),
        ("KPI_TREND", (column(-1, -2, -3),)),
        ("SAMPLE_SIZE", (0.5, 0)),
        ("SAMPLE_SIZE", (0.5, 0.5)),
        ("SAMPLE_SIZE", (0, 0.5)),
        ("SAMPLE_SIZE", (0.9, 0.2)),
        # One visitor has that power, and the square of less than 0 deviations is many.
        ("SAMPLE_SIZE", (0.2, 0.05, 0.9, 0.01)),
        ("SAMPLE_SIZE", (0.001, 0.5, 0.05, 0.06, "miller")),
        ("SALES_CYCLE", (column(20), column(10))),
        ("AB_PVALUE", (2, 1, 1, 2)),
        ("ANNUAL_CHURN", (0.5, 0)),
        ("AVG_POSITION", (column(0),)),
    ],
)
def test_a_number_outside_its_domain_is_num(name: str, arguments: tuple[Any, ...]) -> None:
    assert call(name, *arguments) == "#NUM!"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("CLV_CHURN", (1, 0)),
        ("CUSTOMER_LIFETIME", (0,)),
        ("BREAKEVEN_ROAS", (0,)),
        ("WIN_RATE", (0, 0)),
        ("TARGET_PROGRESS", (1, 2, 2)),
        ("NPS_COUNTS", (0, 0, 0)),
        ("KPI_TREND", (column(-1, 0, 1),)),
        ("AB_PVALUE", (0, 10, 0, 10)),
        ("AB_PVALUE", (10, 10, 10, 10)),
        ("AVG_POSITION", (column(1, 2), column(0, None))),
    ],
)
def test_a_zero_denominator_is_div0(name: str, arguments: tuple[Any, ...]) -> None:
    assert call(name, *arguments) == "#DIV/0!"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("NPS", (column(None, None),)),
        ("NPS", (None,)),
        ("CES", (column("", ""),)),
        ("KPI_TREND", (column(1, None, 2),)),
        ("AVG_GROWTH", (column(1),)),
        ("KPI_ANOMALY", (column(None, None),)),
        ("SALES_CYCLE", (column(45292), column(None))),
        ("COHORT", (column(None), column(None))),
        ("COHORT", (column("a"), column(45292), None, None, None, 45291)),
        ("RETENTION_CURVE", (column("a"), column(45292))),
    ],
)
def test_too_little_data_is_na(name: str, arguments: tuple[Any, ...]) -> None:
    assert call(name, *arguments) == "#N/A"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("KPI_STATUS", (1, 1, None, None, "up")),
        ("SALES_CYCLE", (column(1), column(2), "mode")),
        ("SALES_CYCLE", (column(1, 2), column(2))),
        ("SALES_CYCLE", (column(None), column(2))),
        ("COHORT", (column("a"), column(1), None, "H")),
        ("COHORT", (column("a"), column(1), None, "M", "revenue")),
        ("COHORT", (column("a", None), column(45292, 45293))),
        ("COHORT", (column("a", "b"), column(45292, "01/02/2024"))),
        ("COHORT", (column("a", "b"), column(45292, "2024-02-30"))),
        ("COHORT", (column("a"), column(True))),
        ("COHORT", (column("a"), column(45292), None, column("M", "W"))),
        ("NPS", (column(9, "ten"),)),
        ("KPI_LIST", ("nonsense",)),
        ("KPI_DEFINE", ("NOPE",)),
        ("KPI_DEFINE", (5,)),
        ("KPI_DEFINE", (None,)),
        ("KPI_DEFINE", ("CAC", "xx")),
    ],
)
def test_wrong_text_shape_or_word_is_value(name: str, arguments: tuple[Any, ...]) -> None:
    assert call(name, *arguments) == "#VALUE!"


def test_words_are_read_in_any_case() -> None:
    days = column(1, 1, 1), column(2, 2, 11)
    assert call("SALES_CYCLE", *days, " MEDIAN ") == 1.0
    assert call("KPI_DEFINE", "cac") == call("KPI_DEFINE", "CAC", "EN")


def test_an_omitted_argument_takes_its_default() -> None:
    assert call("CLV", 50, 4, 3) == 600.0
    assert call("CLV", 50, 4, 3, None, 0) == 600.0
    assert call("CLV", 50, 4, 3, [[None]], [[""]]) == 600.0
    assert call("CLV", 50, 4, 3, None, 0.1) == pytest.approx(200 * (1 - 1.1**-3) / 0.1)
    assert call("KPI_STATUS", 95, 100, None, None, None) == "at risk"
    assert call("KPI_STATUS", 105, 100, None, None, "lower") == "at risk"
    assert call("KPI_STATUS", 111, 100, None, None, "lower") == "off track"
    assert call("KPI_STATUS", 80, 100, 200) == "on track"
    assert call("CSAT", column(5, 4, 3, 2)) == 0.5
    assert call("CSAT", column(7, 6, 3, 2), 6) == 0.5


def test_growth_over_a_blank_is_that_of_two_periods() -> None:
    """By hand: 121 / 100 is 1.1^2."""
    for blank in (None, ""):
        assert call("AVG_GROWTH", column(100, blank, 121)) == pytest.approx(0.1)
        around = column(blank, blank, 100, blank, 121, blank)
        assert call("AVG_GROWTH", around) == pytest.approx(0.1)
        assert call("AVG_GROWTH", column(100, blank, blank)) == "#N/A"
    assert call("AVG_GROWTH", column(0, None, 121)) == "#NUM!"


# Lifting


def test_ranges_broadcast() -> None:
    assert call("CAC", column(10, 20), column(1, 2)) == [[10.0], [10.0]]
    assert call("CAC", column(10, 20), 2) == [[5.0], [10.0]]
    assert call("CAC", [[10, 20]], [[2]]) == [[5.0, 10.0]]
    assert call("CAC", column(10, 20), [[1, 2]]) == [[10.0, 5.0], [20.0, 10.0]]
    assert call("CAC", [[10, 20], [30, 40]], [[1, 2]]) == [[10.0, 10.0], [30.0, 20.0]]
    assert call("CAC", [[10, 20], [30, 40]], column(1, 2)) == [[10.0, 20.0], [15.0, 20.0]]


def test_each_cell_has_its_own_error() -> None:
    spend, customers = column(10, None, "x", "#N/A", 5), column(0, 1, 1, 1, -1)
    errors = call("CAC", spend, customers)
    assert errors == [["#DIV/0!"], [0.0], ["#VALUE!"], ["#N/A"], ["#NUM!"]]


def test_shapes_that_do_not_fit_give_one_error() -> None:
    assert call("CAC", column(1, 2), column(1, 2, 3)) == "#VALUE!"
    assert call("CAC", column(1, 2), [[1, 2], [3, 4], [5, 6]]) == "#VALUE!"
    assert call("CAC", column(1, "#REF!"), column(1, 2, 3)) == "#REF!"
    assert call("CAC", [[1, 2], [3]], 1) == "#VALUE!"
    assert call("CAC", [], 1) == "#VALUE!"


def test_an_interval_is_a_row_and_lifts_to_rows() -> None:
    one = call("AB_INTERVAL", 48, 80, 56, 70)
    assert [len(row) for row in one] == [2]
    assert call("AB_INTERVAL", column(48, 81), 80, 56, 70) == [one[0], ["#NUM!", "#NUM!"]]
    assert call("AB_INTERVAL", 81, 80, 56, 70) == "#NUM!"


def test_an_option_beside_a_column_lifts() -> None:
    assert call("CSAT", column(5, 4, 3, 2), column(3, 4, 5)) == [[0.75], [0.5], [0.25]]


# Columns


def test_columns_skip_blanks() -> None:
    assert call("NPS", column(10, None, "", 0)) == 0.0
    assert call("CES", [[6, None], [7, 5]]) == 6.0
    assert call("AVG_POSITION", column(1, None, 5), column(300, 50, 100)) == 2.0
    assert call("AVG_POSITION", column(1, 5), column(300, None)) == 1.0


def test_a_blank_keeps_its_period_where_position_is_time() -> None:
    assert call("KPI_TREND", column(1, None, 3, 4)) == pytest.approx(1 / (8 / 3))
    assert call("KPI_ANOMALY", [[10, 11, 10], [12, None, 95]]) == [
        [False] * 3,
        [False, False, True],
    ]
    assert call("KPI_ANOMALY", column(5, 5, 5)) == column(False, False, False)
    assert call("KPI_ANOMALY", column(5, 5, 5, 5, 5, 6)) == column(*[False] * 5, True)


def test_an_error_in_a_column_passes_through() -> None:
    assert call("NPS", column(10, "#N/A", "#REF!")) == "#N/A"
    assert call("COHORT", column("a", "#REF!"), column(45292, "x")) == "#REF!"


def test_a_wrong_cell_of_a_column_is_named_by_its_row() -> None:
    error = call("COHORT", column("a", "b", "c"), column(45292, 45293, "3/4/24"))
    assert "row 3 of dates" in error.sentence
    assert "2024-01-31" in error.sentence


def test_a_row_that_cannot_be_is_named_by_its_place_in_the_range() -> None:
    """Blank rows stand before it, which the function does not see."""
    starts, ends = column(None, None, 45300, 45310), column(None, "", 45310, 45300)
    assert "value 4 of ends" in call("SURVIVAL_CURVE", starts, ends).sentence
    assert "in deal 4" in call("SALES_CYCLE", starts, ends).sentence
    bought = column(None, 1, 5), column(None, 1, 2), column(None, 3, 3)
    assert "row 3: 5 purchases" in call("BGBB_FIT", *bought).sentence
    gap = column(*range(1, 6), None, 8, 9)
    assert "value 6 of values" in call("KPI_FORECAST", gap, 2).sentence


def test_open_deals_are_left_out() -> None:
    created, closed = column(45292, 45300, 45310), column(45302, None, 45330)
    assert call("SALES_CYCLE", created, closed) == 15.0
    assert call("SALES_CYCLE", column(45292.9), column(45293.1)) == 1.0


def test_definitions_and_lists() -> None:
    listed = call("KPI_LIST")
    assert listed[0] == ["name", "category", "definition"]
    assert [row[0] for row in listed[1:]] == list(METRICS)
    assert {row[1] for row in call("KPI_LIST", "Sales")[1:]} == {"sales"}
    assert "spend / new_customers" in call("KPI_DEFINE", "=cac()")
    assert "did you mean CLV" in call("KPI_DEFINE", "CLVV").sentence


# Nothing but finite numbers, text and booleans ever comes out


def test_minus_zero_is_zero() -> None:
    assert str(call("CAC", -0.0, 5)) == "0.0"
    assert str(call("CAC", column(-0.0, 1), 5)[0][0]) == "0.0"


def test_comparisons_are_of_the_15_digits_that_excel_compares() -> None:
    assert call("KPI_STATUS", 0.045, 0.05) == "at risk"  # 90 % of the target, but for the last bit
    assert call("KPI_STATUS", 0.77, 0.7, None, None, "lower") == "at risk"
    assert call("KPI_STATUS", 0.1 + 0.2, 0.3, 1) == "on track"
    assert call("GRR", 0.3, 0.1, 0.2) == 0.0
    assert call("REVENUE_CONTRIBUTION", 33.1 + 33.2 + 33.3, 99.6) == pytest.approx(1)
    assert call("RUN_RATE", 5, 0.1 + 0.2, 0.3) == pytest.approx(5)
    table = call("RFM", column("a", "a", "b"), column(1, 2, 3), column(0.1, 0.2, 0.3))
    assert [row[6] for row in table] == ["M", 1.0, 1.0]


def test_a_part_that_is_more_by_rounding_alone_is_the_whole() -> None:
    cents = 0.1 + 0.2  # 0.30000000000000004
    assert call("CART_ABANDONMENT_RATE", cents, 0.3) == 0.0
    assert call("BOUNCE_RATE", column(cents, 1), column(0.3, 4)) == column(1.0, 0.25)
    assert call("RETENTION_RATE", 0.3, cents, 5) == 0.0
    assert call("AB_PVALUE", cents, 0.3, cents, 0.3) == "#DIV/0!"  # all converted
    assert call("AB_SEQUENTIAL", cents, 0.3, cents, 0.3, 9) == "#DIV/0!"


def test_what_differs_in_the_last_digit_alone_is_no_difference() -> None:
    cents, dimes = 0.1 + 0.2, 0.0
    for _ in range(100):
        dimes += 0.1  # up to 9.99999999999998
    assert dimes != 10.0
    assert call("TARGET_PROGRESS", cents, cents, 0.3) == "#DIV/0!"
    assert call("TARGET_PROGRESS", 0.3, 0.4, cents) == 0.0
    # The target is the baseline: higher is better, and less than a tenth below it is at risk.
    assert call("KPI_STATUS", 0.28, 0.3, cents) == "at risk"
    assert call("CLV_RETENTION", 1, 1 - 1e-16) == "#NUM!"  # and not 9E15
    assert call("KPI_TREND", column(0.1, 0.2, -0.3)) == "#DIV/0!"
    assert call("KPI_ANOMALY", column(10, 10, 10, 10, 10, dimes)) == column(*[False] * 6)
    assert call("KPI_ANOMALY", column(10, 10, 10, 10, dimes, 11)) == column(*[False] * 5, True)
    # The sum of the two in the middle is infinite: 1.2 / (1.2533 * 1.2 / 6) is 4.8.
    assert call("KPI_ANOMALY", column(*[1.2e308] * 5, 0)) == column(*[False] * 5, True)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("WIN_RATE", (1e308, 1e308)),
        ("QUICK_RATIO", (1, 1, 1e308, 1e308)),
        ("TARGET_PROGRESS", (7, -1e308, 1e308)),
        ("NPS_ERROR", (1e308, 1e308, 1)),
    ],
)
def test_a_denominator_beyond_all_numbers_is_no_share_of_0(
    name: str, arguments: tuple[float, ...]
) -> None:
    assert call(name, *arguments) == "#NUM!"


def test_a_date_of_0_is_a_blank_one() -> None:
    orders = column("a", "b"), column(45292, 45300)
    for blank in (0.0, None, ""):
        assert "split_date is 0" in call("BTYD_CHECK", *orders, blank).sentence
        table = call("RFM", *orders, column(1, 2), blank)
        assert [row[1] for row in table[1:]] == [8.0, 0.0]


def test_some_arguments_may_be_single_beside_ranges() -> None:
    values = call("AB_PVALUE", 100, 1000, column(120, 130), column(1000, 1000))
    assert [len(row) for row in values] == [1, 1]
    assert call("AB_LIFT", 200, 100, column(1, 2), column(2, 2)) == column("#NUM!", "#NUM!")


def test_an_error_cell_comes_before_a_wrong_shape() -> None:
    assert call("KPI_ANOMALY", column("#REF!", 1), column(1, 2)) == "#REF!"
    assert call("COHORT", column("a"), column(1), None, column("#N/A", "M")) == "#N/A"


@pytest.mark.parametrize("name", ["COHORT", "RFM", "RETENTION_CURVE", "BTYD_FIT", "CLV_TOTAL"])
@pytest.mark.parametrize("customers", [["a", "b", "c"], [1.0, "b", None], [7.0, 8.0, "#N/A"]])
def test_a_column_that_is_read_once_gives_what_its_cells_give(
    name: str, customers: list[Any]
) -> None:
    """Also where it is blank or an error, and in the second function that is given it."""
    chance = Random(name)
    rows = [(chance.choice(customers), 45000.0 + chance.randrange(700), 9.5) for _ in range(300)]
    columns = [list(column) for column in zip(*rows, strict=True)]
    blocks = [[[cell] for cell in column] for column in columns]
    read = [Flat(column, set(map(type, column)), 1, {}) for column in columns]
    rest = [26.0] if name == "CLV_TOTAL" else []
    given = blocks if name in ("RFM", "BTYD_FIT", "CLV_TOTAL") else blocks[:2]
    wanted = evaluate(METRICS[name], [*given, *rest])
    for _ in range(2):
        assert evaluate(METRICS[name], [*read[: len(given)], *rest]) == wanted
    assert all(column.known for column in read[1 : len(given)]) or wanted == "#N/A"
