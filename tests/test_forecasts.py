"""KPI_FORECAST: R's printed forecasts, the choice of a model, and what it refuses."""

import sys
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from kpi_xl.workbook_templates import template
from kpi_xl.workbook_templates.building import build
from kpi_xl.workbook_templates.writing import Built
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from kpi_xl import METRICS
from kpi_xl.cells import evaluate
from kpi_xl.errors import EXCEL_ERRORS, CellError
from kpi_xl.smoothing import Fitted, Shape, banded, fit, forecast, parameters_of

# Saudi Arabia's oil, 1996 to 2013 (Hyndman & Athanasopoulos, fpp2, section 7.1).
OIL = [
    *(445.3641, 453.1950, 454.4096, 422.3789, 456.0371, 440.3866, 425.1944, 486.2052, 500.4291),
    *(521.2759, 508.9476, 488.8889, 509.8706, 456.7229, 473.8166, 525.9509, 549.8338, 542.3405),
]
# What R printed of them: summary(ses(oildata, h = 5)).
OIL_FORECAST = 542.6806
OIL_BANDS = {
    0.8: [(504.4541, 580.9070), (492.9073, 592.4539), (483.5747, 601.7864), (475.5269, 609.8343),
          (468.3452, 617.0159)],
    0.95: [(484.2183, 601.1429), (466.5589, 618.8023), (452.2860, 633.0752), (439.9778, 645.3834),
           (428.9945, 656.3667)],
}  # fmt: skip

# Air passengers of Australia, 1990 to 2004, and tourists' nights there, 2005 to 2010 by quarter
# (fpp, sections 7.2 and 7.5).
AIR = [
    *(17.553400, 21.860100, 23.886600, 26.929300, 26.888500, 28.831400, 30.075100, 30.953500),
    *(30.185700, 31.579700, 32.577569, 33.477398, 39.021581, 41.386432, 41.596552),
]
TOURISTS = [
    *(41.727458, 24.041850, 32.328103, 37.328708, 46.213153, 29.346326, 36.482910, 42.977719),
    *(48.901525, 31.180221, 37.717881, 40.420211, 51.206863, 31.887228, 40.978263, 43.772491),
    *(55.558567, 33.850915, 42.076383, 45.642292, 59.766780, 35.191877, 44.319737, 47.913736),
]
# Thousands of international airline passengers, 1949 to 1960 by month (Box & Jenkins, series G).
PASSENGERS = [
    *(112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118),
    *(115, 126, 141, 135, 125, 149, 170, 170, 158, 133, 114, 140),
    *(145, 150, 178, 163, 172, 178, 199, 199, 184, 162, 146, 166),
    *(171, 180, 193, 181, 183, 218, 230, 242, 209, 191, 172, 194),
    *(196, 196, 236, 235, 229, 243, 264, 272, 237, 211, 180, 201),
    *(204, 188, 235, 227, 234, 264, 302, 293, 259, 229, 203, 229),
    *(242, 233, 267, 269, 270, 315, 364, 347, 312, 274, 237, 278),
    *(284, 277, 317, 313, 318, 374, 413, 405, 355, 306, 271, 306),
    *(315, 301, 356, 348, 355, 422, 465, 467, 404, 347, 305, 336),
    *(340, 318, 362, 348, 363, 435, 491, 505, 404, 359, 310, 337),
    *(360, 342, 406, 396, 420, 472, 548, 559, 463, 407, 362, 405),
    *(417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432),
]

# R's ets() with its parameters, forecasts and ends of 95 %, as statsmodels' own tests have them
# (statsmodels/tsa/statespace/tests/results/exponential_smoothing_*.csv): the model, the
# parameters (seasons from the last to the first), the log-likelihood, and (mean, low, high).
OF_R: dict[str, tuple[list[float], Shape, list[float], float, list[tuple[float, float, float]]]] = {
    "AAdN": (
        AIR, Shape(True, True, 0, False),
        [0.99591248359386, 0.000100000177749125, 0.975837884841967, 16.6430315594723,
         2.29728622390832],
        -27.409797677742,
        [(43.1552159304263, 39.3018254827611, 47.0086063780915),
         (44.6707210001557, 39.2320647044486, 50.1093772958627),
         (46.1496082618676, 39.4928700615495, 52.8063464621857),
         (47.5927624792564, 39.9084867400571, 55.2770382184557)],
    ),
    "AAA": (
        TOURISTS, Shape(True, False, 4, False),
        [0.362426132365822, 0.0754190455497834, 0.637569422468331, 31.6432606420664,
         1.00279733904072, 2.06807190359294, -2.02733922834511, -9.46732416254387,
         9.42659148729603],
        -49.1368044772298,
        [(61.2653941646371, 57.469201667674, 65.0615866616002),
         (37.0717895543016, 32.9276609274033, 41.2159181811999),
         (46.3497540069499, 41.7704245062124, 50.9290835073877),
         (50.0720099691788, 44.9764836346151, 55.1675363037424),
         (63.4236661473586, 56.3256531990087, 70.5216790957085)],
    ),
    "AAdA": (
        TOURISTS, Shape(True, True, 4, False),
        [0.280488397086475, 0.000107909350046852, 0.70817204866374, 0.934556132735162,
         30.8411433051289, 1.42536708194344, 1.36918887747184, -1.87117054599654,
         -9.63885827145074, 10.1408399399754],
        -47.4259977304878,
        [(60.8009544962054, 57.1500160756987, 64.4518929167121),
         (36.4195487014795, 32.6276131136748, 40.2114842892843),
         (45.4239843768919, 41.4960199222141, 49.3519488315696),
         (48.8618776400004, 44.8023588033461, 52.9213964766548),
         (61.6903568520975, 56.2573010390664, 67.1234126651287)],
    ),
    "ANA": (
        TOURISTS, Shape(False, False, 4, False),
        [0.533839350626543, 0.466160630654508, 32.6308030872576, 2.31737355127666,
         -1.97439136441432, -9.31769673439368, 8.97471453754134],
        -52.5767050860172,
        [(59.4994294181971, 55.3687732859764, 63.6300855504178),
         (35.6676030168922, 30.9852087547665, 40.349997279018),
         (44.6356278176959, 39.4599817740291, 49.8112738613628),
         (47.9137359889234, 41.2918305672793, 54.5356414105674),
         (59.4994294181971, 52.5200220395914, 66.4788367968027)],
    ),
}  # fmt: skip


def forecast_of(values: list[Any], *more: Any) -> Any:
    return evaluate(METRICS["KPI_FORECAST"], [[[value] for value in values], *more])


@pytest.mark.parametrize("confidence", OIL_BANDS)
def test_the_book_s_oil(confidence: float) -> None:
    header, *rows = forecast_of(OIL, 5.0, None, confidence)
    assert header == ["period", "forecast", "low", "high"]
    for number, (row, (low, high)) in enumerate(zip(rows, OIL_BANDS[confidence], strict=True), 1):
        # R's search ends in the fourth digit: forecasts of 542.6806 and 542.6804.
        assert row == pytest.approx([number, OIL_FORECAST, low, high], abs=0.01)


@pytest.mark.parametrize("name", OF_R)
def test_with_r_s_parameters_the_bands_are_r_s(name: str) -> None:
    values, shape, parameters, _, rows = OF_R[name]
    model = ETSModel(
        np.array(values), error="add", trend="add" if shape.trend else None,
        damped_trend=shape.damped, seasonal="add" if shape.season else None,
        seasonal_periods=shape.season or None,
    )  # fmt: skip
    found = banded(Fitted(shape, model, np.array(parameters), 0.0, 1.0, 0.0), len(rows), 0.95)
    for period, *row in zip((1, 2, 3, 4, 5), found.mean, found.low, found.high, strict=False):
        # The season's part of the error begins in R a period too early: with the fourth of four
        # (so say statsmodels' tests, by table 6.2 of Hyndman et al. 2008).
        wanted = rows[period - 1] if period != shape.season else (rows[period - 1][0],)
        assert row[: len(wanted)] == pytest.approx(list(wanted), rel=1e-6)


@pytest.mark.parametrize("name", OF_R)
def test_no_fit_is_worse_than_r_s(name: str) -> None:
    values, shape, _, likelihood, _ = OF_R[name]
    n, k = len(values), len(OF_R[name][2]) - bool(shape.season) + 1
    found = fit(values, shape)
    assert found is not None
    # R leaves out what does not depend on the parameters.
    theirs = likelihood - n / 2.0 * (np.log(2.0 * np.pi / n) + 1.0)
    assert found.aicc <= 2.0 * k - 2.0 * theirs + 2.0 * k * (k + 1) / (n - k - 1) + 1e-6


@pytest.mark.parametrize("trend", [False, True])
def test_no_fit_is_worse_than_a_line_that_never_moves(trend: bool) -> None:
    """Least squares have a closed form, and are one of the models that are searched."""
    shape = Shape(trend, False, 0, False)
    for seed in range(20):
        random = np.random.default_rng(seed)
        values = 50.0 + random.normal(0.0, 9.0, int(random.integers(7, 14)))
        n, k = len(values), parameters_of(shape) + 1
        line = np.polynomial.Polynomial.fit(np.arange(n), values, int(trend))
        squares = float(np.sum((values - line(np.arange(n))) ** 2))
        likelihood = -n / 2.0 * (np.log(2.0 * np.pi * squares / n) + 1.0)
        found = fit(values, shape)
        assert found is not None
        # The smoothing of statsmodels is 0.0001 at least.
        assert found.aicc <= 2.0 * k - 2.0 * likelihood + 2.0 * k * (k + 1) / (n - k - 1) + 0.01


def test_two_years_of_passengers_that_were_held_back() -> None:
    rows = forecast_of(PASSENGERS[:120], 24.0, 12.0)[1:]
    actual = PASSENGERS[120:]
    assert sum(row[2] <= x <= row[3] for row, x in zip(rows, actual, strict=True)) >= 22
    misses = [abs(row[1] / x - 1.0) for row, x in zip(rows[:12], actual, strict=False)]
    assert sum(misses) / 12.0 < 0.07


def test_fewer_than_two_seasons_are_without_one() -> None:
    assert forecast_of(PASSENGERS[:23], 3.0, 12.0) == forecast_of(PASSENGERS[:23], 3.0)
    assert forecast_of(PASSENGERS[:36], 3.0, 12.0) != forecast_of(PASSENGERS[:36], 3.0)


def test_the_unit_of_the_values_does_not_matter() -> None:
    once, scaled = forecast(TOURISTS, 2, 4, 0.9), forecast([7e6 * x for x in TOURISTS], 2, 4, 0.9)
    for ours, theirs in zip((once.mean, once.low, once.high),
                            (scaled.mean, scaled.low, scaled.high), strict=True):  # fmt: skip
        assert [7e6 * x for x in ours] == pytest.approx(theirs, rel=5e-5)  # of the search


def test_what_grows_by_a_rate_stays_above_0() -> None:
    falling = [1000.0 * 0.7**t * (1.0 + 0.1 * (-1.0) ** t) for t in range(14)]
    assert all(0.0 < row[2] < row[1] < row[3] for row in forecast_of(falling, 12.0)[1:])


def test_blanks_around_the_values_do_not_count() -> None:
    assert forecast_of([None, *OIL, None, None], 2.0) == forecast_of(OIL, 2.0)


@pytest.mark.parametrize("unit", [1e300, 1e-300])
def test_values_whose_squares_are_no_numbers(unit: float) -> None:
    once, scaled = (forecast_of([size * x for x in OIL], 2.0)[1:] for size in (1.0, unit))
    for (_, *ours), (_, *theirs) in zip(once, scaled, strict=True):
        assert [unit * x for x in ours] == pytest.approx(theirs, rel=5e-5, abs=0.0)


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ([*OIL[:5], None, *OIL[5:]], "#VALUE!", "value 6 of values is blank"),
        (OIL[:4], "#N/A", "4 values are too few to choose a model by: give 5 or more"),
        ([None, None], "#N/A", "values holds no values"),
        ([5.0] * 12, "#N/A", "the values are all the same"),
        ([0.1 * x for x in range(12)], "#N/A", "follow a line"),
        (["abc", *OIL], "#VALUE!", "row 1 of values"),
    ],
)
def test_refused(values: list[Any], code: str, words: str) -> None:
    error = forecast_of(values, 2.0)
    assert isinstance(error, CellError)
    assert error == code
    assert words in error.sentence


def test_a_band_holds_its_forecast() -> None:
    """The mean of what differs by powers of ten is above most of it."""
    values = [0.5, 900.0, 0.02, 40.0, 0.003, 7.0, 300.0, 0.1, 0.008, 60.0, 0.3, 500.0]
    for _, mean, low, high in forecast_of(values, 3.0, None, 0.5)[1:]:
        assert low <= mean <= high


def test_a_confidence_of_nearly_1_has_a_band() -> None:
    first = forecast_of(OIL, 1.0, None, 1.0 - 2.0**-53)[1]
    assert all(map(np.isfinite, first))


@pytest.mark.parametrize("missing", ["statsmodels", "threadpoolctl"])
def test_without_the_library_it_says_what_to_install(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "kpi_xl.smoothing")
    for name in [name for name in sys.modules if name.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    error = forecast_of(OIL, 2.0)
    assert isinstance(error, CellError)
    assert error == "#N/A"
    assert 'pip install "kpi-xl[forecast]"' in error.sentence


# In the workbooks


def without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where statsmodels is not installed."""
    monkeypatch.delitem(sys.modules, "kpi_xl.smoothing", raising=False)
    monkeypatch.setitem(sys.modules, "statsmodels.tsa.exponential_smoothing.ets", None)


def weeks(numbers: list[float]) -> dict[str, list[Any]]:
    """Ads of a day a week, from a Monday on; the last day is the end of its week."""
    days = [date(2024, 1, 1) + timedelta(days=7 * n) for n in range(len(numbers))]
    filled = [*days, days[-1] + timedelta(days=6)]
    return {
        "date": filled,
        "campaign": ["One"] * len(filled),
        "channel": ["Search"] * len(filled),
        "cost": [*numbers, 0.0],
        "conversions": [*numbers, 0.0],
        "revenue": [*numbers, 0.0],
    }


def of_the_sheet(built: Built) -> list[list[Any]]:
    return [
        [built.values.get(("Forecast", row, column)) for column in range(1, 12)]
        for row in range(7, 12)
    ]


def test_campaigns_forecast_the_weeks_to_come() -> None:
    """The book's oil as the costs of eighteen weeks, at 90 %."""
    built = build(template("campaigns"), {"Ads": weeks(OIL)})
    rows = of_the_sheet(built)
    reach = 29.8282 * 1.644854  # the printed sigma, and the deviate of 5 %
    expected = [OIL_FORECAST - reach, OIL_FORECAST, OIL_FORECAST + reach]
    for first in (2, 5, 8):
        assert rows[0][first : first + 3] == pytest.approx(expected, abs=0.02)
    assert [row[0] for row in rows[:4]] == [45418 + 7 * n for n in range(4)]  # from 2024-05-06
    assert rows[4][0] == ""
    figures = dict(built.headlines)
    assert figures["Revenue, expected"] == "542.68"


def test_what_ends_is_not_forecast_below_0() -> None:
    ends = [1000.0, 900.0, 850.0, 700.0, 640.0, 480.0, 350.0, 300.0, 180.0, 60.0, 20.0]
    assert forecast_of(ends, 1.0)[1][1] < -100.0
    rows = of_the_sheet(build(template("campaigns"), {"Ads": weeks(ends)}))
    assert [row[2:] for row in rows[:4]] == [[0.0] * 9] * 4


def test_without_the_library_there_is_a_word_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    without_it(monkeypatch)
    built = build(template("campaigns"), {"Ads": weeks(OIL)})
    rows = of_the_sheet(built)
    assert [row[2:] for row in rows[:4]] == [[""] * 9] * 4
    assert 'pip install "kpi-xl[forecast]"' in rows[4][0]
    shown = {
        sheet
        for (sheet, *_), cell in built.values.items()
        if isinstance(cell, str) and cell in EXCEL_ERRORS
    }
    assert shown == {"Model"}
    assert dict(built.headlines)["Revenue, expected"] == ""


def test_the_scorecard_forecasts_from_the_last_gap_on() -> None:
    months = [date(2024 + n // 12, n % 12 + 1, 1) for n in range(20)]
    spend = [*OIL[:1], None, *OIL]  # a gap in February
    leads = [*OIL[:2], *OIL[:17], None]  # none in the last month
    built = build(template("scorecard"), {"Months": {"month": months, "spend": spend,
                                                     "leads": leads}})  # fmt: skip
    rows = of_the_sheet(built)
    assert rows[0][0] == 45901  # 2025-09-01
    reach = 29.8282 * 1.644854
    assert rows[0][1:4] == pytest.approx(
        [OIL_FORECAST - reach, OIL_FORECAST, OIL_FORECAST + reach], abs=0.02
    )
    assert rows[0][4:10] == [""] * 6
    assert rows[4][0].startswith("No forecast yet")
