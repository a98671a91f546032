"""Probability models of customers who stay or leave."""

from collections.abc import Callable
from copy import copy
from math import ceil, exp, fsum, isnan, log
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

from kpi_xl.errors import KpiError, NotEnoughData, OutOfDomain, WrongInput, ZeroDenominator
from kpi_xl.locales import Message, Names
from kpi_xl.metrics.arguments import (
    Amounts,
    AmountsIfGiven,
    AsOf,
    Confidence,
    Customers,
    DiscountRate,
    OrderDates,
    Period,
)
from kpi_xl.metrics.experiments import normal_deviate
from kpi_xl.metrics.tables import numbered, observed, sums
from kpi_xl.periods import DAYS
from kpi_xl.quadrature import beta_points
from kpi_xl.registry import Arg, metric
from kpi_xl.serials import AFTER_LAST_DAY
from kpi_xl.units import (
    COUNT,
    DATE,
    INSIDE_SHARE,
    MONEY,
    NOT_NEGATIVE,
    PERIODS,
    RATE,
    TABLE,
    TEXT,
    VALUE,
    Domain,
)

if TYPE_CHECKING:
    from kpi_xl.bdw import RetentionFit
    from kpi_xl.btyd import BuyingFit, Floats, Histories, SpendFit
    from kpi_xl.btyd_forecast import Paid, Spend
    from kpi_xl.covariates import CovariateFit
    from kpi_xl.metrics.tables import Integers

Made = TypeVar("Made")

SBG = (
    "Fader & Hardie (2007), How to Project Customer Retention, Journal of Interactive Marketing 21"
)
CUSTOMERS_OF_SHARES = 1000.0
ONLY_AT_FIRST = (
    "all who left did so at the end of the first period: when others will is not to be told"
)
# Beyond these, as far as data can tell, all customers are alike, or each either leaves at once or
# stays for ever.
LARGEST_SHAPE, SMALLEST_SHAPE = 1e5, 1e-5
ROUNDING = 1e-12

Survivors = Annotated[
    list[list[float | None]],
    Arg(
        "Customers left at the end of periods 0, 1, 2 ...: counts, or shares that begin with 1; a"
        " column a cohort",
        VALUE,
        NOT_NEGATIVE,
        column=True,
        wide=True,
        blank="keep",
    ),
]


def leave_alike(*arguments: Any) -> bool:
    """Whether the fit is the limit of the model at which customers do not differ."""
    (survivors,) = (argument for argument in arguments if isinstance(argument, list))
    return fitted(losses_of(survivors)) is None


ALIKE = (
    "The customers leave at one same rate, or faster with time: that they differ explains nothing,"
    " so one churn holds for all of them and every period. Where losses grow faster, the forecast"
    " is too high.",
    leave_alike,
)


@metric(
    "SBG_FIT",
    returns=TABLE,
    result="table",
    formula="maximum of lost * LN(alpha) + SUM(survivors(t + 1) * LN(beta + t))"
    " - SUM(survivors(t) * LN(alpha + beta + t))",
    source=SBG,
    columns=(
        ("parameter", "alpha, beta, then churn where it is one for all, log-likelihood"),
        ("value", "Its value"),
    ),
    remark=ALIKE,
    example=(
        "=SBG_FIT({1000;631;468;382;326;289;262;241})",
        [["parameter", "value"], ["alpha", 0.704], ["beta", 1.182], ["log-likelihood", -1680.265]],
    ),
)
def sbg_fit(survivors: Survivors) -> list[list[Any]]:
    """Shifted beta-geometric model of cohorts that pay by contract, by maximum likelihood.

    Each customer leaves at the end of a period with a probability of their own; over the customers
    these follow a beta distribution, so that those who stay longest are the loyal ones, and the
    cohort's retention rises. Where the losses come at one same rate, or faster with time, the fit
    is the model's limit: alpha and beta are blank, and the row churn holds the rate of all.

    Several cohorts are fitted together: a column each, ended by blanks. A first value of 1 means
    shares, taken for 1,000 customers. Blanks below a cohort's last value do not count, any other is
    #VALUE!, an increase #NUM!; fewer than three values, no loss at all, or losses in the first
    period alone are #N/A.

    Do not use it for customers who come and go unseen (take BTYD_FIT), nor where the churn of all
    changes with a season, a price or the end of a discount: it takes every fall of churn for loyal
    customers who are left. Where churn rises take BDW_FIT.
    """
    losses = losses_of(survivors)
    shapes = fitted(losses)
    alpha, beta = shapes or ("", "")
    return [
        ["parameter", "value"],
        ["alpha", alpha],
        ["beta", beta],
        *([["churn", constant_churn(losses)]] if shapes is None else []),
        ["log-likelihood", log_likelihood(losses, shapes)],
    ]


OF_A_COHORT = (
    ("period", "From 0 to the horizon"),
    ("survival", "Share of the customers who are left, by the fitted model"),
    ("retention rate", "Share of those left before who stay in this period; blank at 0"),
)
"""The columns of a cohort's forecast."""


@metric(
    "SBG_FORECAST",
    returns=TABLE,
    result="table",
    formula="survival(t) = survival(t - 1) * retention(t);"
    " retention(t) = (beta + t - 1) / (alpha + beta + t - 1)",
    source=SBG,
    columns=OF_A_COHORT,
    example=(
        "=SBG_FORECAST({1000;631;468;382;326;289;262;241},2)",
        [
            ["period", "survival", "retention rate"],
            [0, 1.0, ""],
            [1, 0.6268, 0.6268],
            [2, 0.4739, 0.7560],
        ],
    ),
    remark=ALIKE,
)
def sbg_forecast(
    survivors: Survivors,
    horizon: Annotated[
        float, Arg("The last period to forecast", PERIODS, Domain(0, 100_000, whole=True))
    ],
) -> list[list[Any]]:
    """Survival and retention of a cohort as the shifted beta-geometric model has them.

    Beyond the data it is the projection, within them the fit: set it beside the data to judge it.
    Several cohorts, a column each, share one curve. At its limit of one churn for all (see SBG_FIT)
    the retention rate is the same in every period. SBG_FIT says when not to use it.
    """
    losses = losses_of(survivors)
    shapes, churn = fitted(losses), constant_churn(losses)
    rows: list[list[Any]] = [["period", "survival", "retention rate"], [0, 1.0, ""]]
    survival = 1.0
    for period in range(1, int(horizon) + 1):
        retention = 1.0 - churn
        if shapes is not None:
            alpha, beta = shapes
            retention = (beta + period - 1.0) / (alpha + beta + period - 1.0)
        survival *= retention
        rows.append([period, survival, retention])
    return rows


@metric(
    "CLV_SBG",
    returns=MONEY,
    formula="margin_per_period * SUM(survival(t) / (1 + discount_rate)^t), t from 0 without end",
    source="Fader & Hardie (2010), Customer-Base Valuation in a Contractual Setting, Marketing"
    " Science 29 (1)",
    example=("=CLV_SBG(100,{1000;869;743;653;593;551;517;491},0.1)", 592.2253),
    remark=ALIKE,
)
def clv_sbg(
    margin_per_period: Annotated[float, Arg("Margin per customer and period", MONEY)],
    survivors: Survivors,
    discount_rate: DiscountRate,
) -> float:
    """Customer lifetime value of a new customer by the shifted beta-geometric model.

    The first margin comes at once, in period 0, and one more in each period for which the customer
    stays. Without discounting the sum has a limit only if alpha is above 1: else #NUM!. With one
    churn for all (see SBG_FIT) it is margin * (1 + discount_rate) / (churn + discount_rate).
    SBG_FIT says when not to use it.
    """
    losses = losses_of(survivors)
    shapes = fitted(losses)
    if shapes is None:
        return margin_per_period * (1.0 + discount_rate) / (constant_churn(losses) + discount_rate)
    alpha, beta = shapes
    if discount_rate:
        return margin_per_period * discounted_lifetime(alpha, beta, discount_rate)
    if alpha <= 1.0:
        raise OutOfDomain(
            "the losses fade so fast (alpha is {alpha}) that without discounting the value"
            " has no limit: give a discount_rate above 0",
            alpha=round(alpha, 3),
        )
    return margin_per_period * (alpha + beta - 1.0) / (alpha - 1.0)


BDW = (
    'Fader, Hardie, Liu, Davin & Steenburgh (2018), "How to Project Customer Retention" Revisited:'
    " The Role of Duration Dependence, Journal of Interactive Marketing 43"
)
FEWEST_SURVIVORS = 5  # four losses, for three parameters

HIGH_END = "{1000;869;743;653;593}"  # four years of the paper


@metric(
    "BDW_FIT",
    returns=TABLE,
    result="table",
    formula="maximum of SUM(lost(t) * LN(1 - retention(t)) + survivors(t) * LN(retention(t))),"
    " where survivors(t) / survivors(0) is B(alpha, beta + t^c) / B(alpha, beta)",
    source=BDW,
    columns=(
        ("parameter", "alpha, beta, then churn where all are alike, c, log-likelihood"),
        ("value", "Its value"),
    ),
    example=(
        f"=BDW_FIT({HIGH_END})",
        [
            ["parameter", "value"],
            ["alpha", 0.2593],
            ["beta", 1.7226],
            ["c", 1.5844],
            ["log-likelihood", -1222.7493],
        ],
    ),
)
def bdw_fit(survivors: Survivors) -> list[list[Any]]:
    """Beta-discrete-Weibull model of cohorts whose own churn rises or falls with time.

    As SBG_FIT, but each customer's own churn may change: with c above 1 it rises the longer they
    stay, below 1 it falls, and at 1 it is SBG_FIT. Take it where retention falls at first and
    rises later, or where SBG_FIT forecasts too low from few periods. Where customers are alike,
    alpha and beta are blank, and the row churn holds that of the first period.

    It needs five values and some hundred customers: with few of either it takes chance for a
    change, and SBG_FIT is the safer one. Survivors are read as there; losses that do not tell the
    parameters are #N/A.
    """
    found = changing(losses_of(survivors))
    known = found.alpha is not None
    return [
        ["parameter", "value"],
        ["alpha", found.alpha if known else ""],
        ["beta", found.beta if known else ""],
        *([] if known else [["churn", found.churn]]),
        ["c", found.c],
        ["log-likelihood", found.log_likelihood],
    ]


@metric(
    "BDW_FORECAST",
    returns=TABLE,
    result="table",
    formula="survival(t) = B(alpha, beta + t^c) / B(alpha, beta); retention(t) = survival(t)"
    " / survival(t - 1)",
    source=BDW,
    columns=OF_A_COHORT,
    example=(
        f"=BDW_FORECAST({HIGH_END},2)",
        [
            ["period", "survival", "retention rate"],
            [0, 1.0, ""],
            [1, 0.8691, 0.8691],
            [2, 0.7419, 0.8536],
        ],
    ),
)
def bdw_forecast(
    survivors: Survivors,
    horizon: Annotated[
        float, Arg("The last period to forecast", PERIODS, Domain(0, 100_000, whole=True))
    ],
) -> list[list[Any]]:
    """Survival and retention of a cohort as the beta-discrete-Weibull model has them.

    As SBG_FORECAST, by BDW_FIT, which says when to take it and when not. Beyond the data it is the
    projection, within them the fit: set both models' beside the data, and take the simpler one
    unless this one is clearly nearer.
    """
    import numpy as np

    found = changing(losses_of(survivors))
    left = found.log_survival(np.arange(horizon + 1.0))
    rows = zip(np.exp(left[1:]).tolist(), np.exp(np.diff(left)).tolist(), strict=True)
    return [
        ["period", "survival", "retention rate"],
        [0, 1.0, ""],
        *([period, *row] for period, row in enumerate(rows, start=1)),
    ]


def changing(losses: "Losses") -> "RetentionFit":
    """The fit of BDW_FIT."""
    if len(losses.at_risk) < FEWEST_SURVIVORS - 1:
        raise NotEnoughData(
            "survivors needs at least {fewest} values for this model",
            fewest=FEWEST_SURVIVORS,
        )
    if not fsum(losses.at_risk[1:]) - fsum(losses.stayed[1:]):
        raise NotEnoughData(ONLY_AT_FIRST)
    from kpi_xl.bdw import fit

    return fit(losses.at_risk, losses.stayed)


BuyingModel = Annotated[
    str,
    Arg("The model of purchases", TEXT, words=("bgnbd", "mbgnbd", "paretonbd")),
]

MOST_PERIODS = 10_000
Prior = Annotated[
    str,
    Arg(
        "What is known before: nothing, or of ordinary shops, so that small ones have a forecast",
        TEXT,
        words=("none", "weak"),
    ),
]
CovariatesIfGiven = Annotated[
    list[list[float]] | None,
    Arg(
        "What is known of each row's customer, as numbers: 1 for a channel and 0 for others, say; a"
        " column each",
        VALUE,
        column=True,
        wide=True,
        blank="zero",
    ),
]
ConfidenceIfGiven = Annotated[
    float | None, Arg("With it, two more columns have bounds: 0.9 for 90 %", RATE, INSIDE_SHARE)
]
Horizon = Annotated[
    float,
    Arg(
        "How many periods to look ahead, counted in `period`",
        PERIODS,
        Domain(1, MOST_PERIODS, whole=True),
    ),
]

# The least orders that tell how customers differ: twelve customers, ten of whom came back.
BUYERS = (
    "{1;1;2;2;2;2;3;3;4;4;5;5;5;5;5;5;5;5;5;5;6;6;6;6;7;8;9;9;9;9;9;10;10;10;10;10;11;11;12;12}"
)
BUYING_DAYS = (
    "{45296;45303;45345;45353;45367;45373;45338;45347;45338;45355;45329;45351;45383;45387;45409;"
    "45419;45420;45434;45440;45445;45333;45347;45378;45430;45319;45300;45316;45338;45350;45356;"
    "45359;45292;45301;45329;45427;45432;45315;45354;45340;45345}"
)
BUYING_AMOUNTS = (
    "{10;5;48;32;32;40;10;16;16;16;10;10;5;5;5;8;16;8;12;16;16;5;10;12;20;40;16;5;10;8;12;10;10;10;"
    "32;10;64;40;5;12}"
)

BTYD = "Fader, Hardie & Lee (2005), Counting Your Customers the Easy Way, Marketing Science 24 (2)"
PROFILE = (
    "Venzon & Moolgavkar (1988), A Method for Computing Profile-Likelihood-Based Confidence"
    " Intervals, Journal of the Royal Statistical Society C 37 (1)"
)
SPEND = "Fader & Hardie (2013), The Gamma-Gamma Model of Monetary Value"
INDEPENDENT = (
    "The model of spend takes it that customers who buy often spend neither more nor less at a time"
    " than others: where frequency and spend correlate, do not trust it."
)


@metric(
    "BTYD_FIT",
    returns=TABLE,
    result="table",
    arrays=True,
    formula="the parameters of the greatest likelihood",
    source=f"{BTYD}; Batislam, Denizel & Filiztekin (2007) for mbgnbd; Schmittlein, Morrison &"
    f" Colombo (1987) for paretonbd; {SPEND}",
    columns=(
        (
            "parameter",
            "r, alpha, then a, b (bgnbd, mbgnbd) or s, beta (paretonbd); purchases and"
            " leaving 1, 2 ... with covariates; p, q, v with amounts; log-likelihood, customers,"
            " repeat customers",
        ),
        ("value", "Its value"),
        ("low, high", "With confidence: its bounds"),
    ),
    caution=INDEPENDENT,
    example=(
        f"=BTYD_FIT({BUYERS},{BUYING_DAYS},,,DATE(2024,6,29))",
        [
            ["parameter", "value"],
            ["r", 1.0547],
            ["alpha", 3.1271],
            ["a", 0.9730],
            ["b", 1.3595],
            ["log-likelihood", -78.2328],
            ["customers", 12],
            ["repeat customers", 10],
        ],
    ),
)
def btyd_fit(
    customers: Customers,
    dates: OrderDates,
    amounts: AmountsIfGiven = None,
    period: Period = "W",
    as_of: AsOf = None,
    model: BuyingModel = "bgnbd",
    prior: Prior = "none",
    confidence: ConfidenceIfGiven = None,
    covariates: CovariatesIfGiven = None,
) -> list[list[Any]]:
    """Buy-till-you-die model of customers who come and go unseen, by maximum likelihood.

    Each customer buys at a rate of their own until they stop for good. "bgnbd": they may stop
    after each repeat purchase; "mbgnbd": also after the first; "paretonbd": at any moment. "bgnbd"
    thus takes everybody who bought once for still alive, with a P(alive) of 1 however long they
    have been silent: where customers are to be counted, take one of the others. Purchase
    rates follow a gamma distribution (r, alpha per period), stopping a beta (a, b) or a gamma (s,
    beta) one. The log-likelihood is that of the purchases.

    A purchase is a day with a row whose amount is not negative (0 counts), or with any row where
    amounts are left out; several on one day are one. Repeat purchases are those after the first
    day. Customers with returns only have bought nothing and are left out. Ages are days / 7 for
    "W", 30.4375 for "M", 91.3125 for "Q", 365.25 for "Y", not rounded.

    With amounts, the Gamma-Gamma model of spend follows: a customer's spend is the mean total of
    their repeat purchase days, returns on these days taken off; customers without a repeat
    purchase, or whose spend is not above 0, are left out of it.

    Where it is likeliest that nobody stops, the last two parameters are blank: it is the negative
    binomial distribution, and everybody is alive. Customers so alike that no one set of parameters
    fits best are #N/A, and so are fewer than 10 repeat customers; p, q and v are so by themselves.

    "weak" is for small shops: with this prior a fit exists from 10 repeat customers on. Logarithms
    are normal. Medians are those of ordinary shops, and 95 in 100 lie within a factor of 50 of
    them: 12 weeks between a mean customer's purchases (alpha / r); odds of 1 to 3 to stop after a
    purchase (a / b), or 52 weeks until they stop (beta / s); within a factor of 19: 1 for r, and
    for SQRT(a * b) or s. It is the same whatever the period, and weighs as much as a few customers:
    for the 2,357 of CDNOW it moves the forecast by less than 1 %. Where spend cannot be fitted, p,
    q and v are then blank.

    With confidence, low and high are bounds of the parameters by profile likelihood, with
    covariates by the delta method over their logarithms.

    With covariates, the rows purchases 1 and leaving 1 say how the first of them changes the
    logarithm of a customer's rate of purchases and of stopping (for bgnbd of a and b): there are
    EXP(purchases 1) times as many where it is 1 in place of 0. Those of a customer's first row
    count. The other parameters are then of customers whose covariates are 0. For channels, leave
    one out: the others are measured against it. What goes with a channel need not come from it.
    There is no prior with them; what goes together, or is the same for all, is #N/A.

    Do not use these models for contracts (take SBG_FIT), for purchases that come in a
    rhythm, such as seasons, or where prices or customers have just changed: they take it that all
    goes on as it was. Customers are told apart as in COHORT.
    """
    bought = purchases(customers, dates, amounts, as_of)
    of_spend = amounts is not None
    if covariates is None:
        return fit_rows(bought, period, model, prior, confidence, of_spend=of_spend)
    if prior != "none":
        raise WrongInput("with covariates there is no prior: leave it out")
    given = covariates_of(bought, customers, dates, covariates)
    return covariate_rows(bought, given, period, model, confidence, of_spend=of_spend)


@metric(
    "CLV_FORECAST",
    returns=TABLE,
    result="table",
    arrays=True,
    formula="SUM((purchases expected by t - by t - 1) * expected spend / (1 + discount_rate)^t),"
    " t = 1 to horizon",
    source=f"{BTYD}; Fader & Hardie (2008), Computing P(alive) Using the BG/NBD Model; {SPEND}",
    columns=(
        ("customer", "Who"),
        ("frequency", "Repeat purchases"),
        ("recency", "Periods from the first purchase to the last"),
        ("age", "Periods from the first purchase to as_of"),
        ("P(alive)", "Probability that the customer still buys"),
        ("expected purchases", "In the periods up to the horizon"),
        ("expected spend", "Per purchase"),
        ("CLV", "The spend to expect up to the horizon, discounted"),
        ("low, high", "With confidence: bounds of the CLV to expect"),
    ),
    caution=INDEPENDENT,
    example=(
        f"=CLV_FORECAST({BUYERS},{BUYING_DAYS},{BUYING_AMOUNTS},26,,,DATE(2024,6,29))",
        [
            [
                *("customer", "frequency", "recency", "age", "P(alive)"),
                *("expected purchases", "expected spend", "CLV"),
            ],
            [1, 1, 1, 25.1429, 0.0261033, 0.0361393, 8.62923, 0.311855],
            [2, 3, 4, 18.1429, 0.0393833, 0.131131, 32.1816, 4.22],
            [3, 1, 1.28571, 19.1429, 0.0478095, 0.0789471, 16.1091, 1.27176],
            [4, 1, 2.42857, 19.1429, 0.0745827, 0.123157, 16.1091, 1.98395],
            [5, 9, 16.5714, 20.4286, 0.614369, 4.67464, 9.78714, 45.7514],
            [6, 3, 13.8571, 19.8571, 0.503119, 1.58522, 9.99542, 15.8449],
            [7, 0, 0, 21.8571, 1, 0.789129, 16.3408, 12.895],
            [8, 0, 0, 24.5714, 1, 0.730052, 16.3408, 11.9296],
            [9, 4, 6.14286, 22.2857, 0.0266532, 0.0970764, 9.54908, 0.92699],
            [10, 4, 20, 25.7143, 0.594735, 1.97199, 15.5885, 30.7404],
            [11, 1, 5.57143, 22.4286, 0.132398, 0.197701, 32.4287, 6.41118],
            [12, 1, 0.714286, 18.8571, 0.0373287, 0.0622156, 13.3891, 0.833013],
        ],
    ),
)
def clv_forecast(
    customers: Customers,
    dates: OrderDates,
    amounts: Amounts,
    horizon: Horizon,
    discount_rate: DiscountRate = 0.0,
    period: Period = "W",
    as_of: AsOf = None,
    model: BuyingModel = "bgnbd",
    prior: Prior = "none",
    confidence: ConfidenceIfGiven = None,
) -> list[list[Any]]:
    """Customer lifetime value to come, customer by customer, where they come and go unseen.

    It fits the models of BTYD_FIT to the orders and applies them to each customer; what counts as a
    purchase, and who is left out, is said there. Horizon and discount rate are per `period`: 52 and
    a rate per week for a year of weeks. A year's rate d is (1 + d)^(1/52) - 1 a week. Purchases
    are discounted at the end of their period; at a rate of 0 the CLV is expected purchases times
    expected spend. Amounts are margins if the CLV is to be a margin; it holds what is still to
    come, not what was spent.

    With "bgnbd" P(alive) is 1 for everybody who bought once, however long ago: the model lets
    nobody stop before a repeat purchase. To count who is still a customer, take "mbgnbd" or
    "paretonbd". Expected spend draws a customer's own mean to that of all, the more so the fewer
    repeat purchases there are. Where spend cannot be fitted, it and CLV are #N/A, or #NUM! where
    its spread has no mean (q at most 1), and the other columns stand; with the prior "weak" it is
    then the mean spend of those who bought again.

    With confidence, low and high say how far the data tell the CLV to expect (delta method). What
    one customer really spends is scattered more widely, often 0: bounds of what will come, for all
    customers together, are those of CLV_TOTAL. Rows come in order of first appearance. BTYD_FIT
    says when not to use it.
    """
    bought = purchases(customers, dates, amounts, as_of)
    return forecast_rows(bought, horizon, discount_rate, period, model, prior, confidence)


@metric(
    "CLV_TOTAL",
    returns=TABLE,
    result="table",
    arrays=True,
    formula="the sums of P(alive), expected purchases and CLV over CLV_FORECAST, with their bounds",
    source=f"{BTYD}; {SPEND}; {PROFILE}",
    columns=(
        ("figure", "still customers, purchases, CLV"),
        ("low", "The lower bound of what will come"),
        ("expected", "The sum over all customers"),
        ("high", "The upper bound"),
    ),
    caution=INDEPENDENT,
    example=(
        f"=CLV_TOTAL({BUYERS},{BUYING_DAYS},{BUYING_AMOUNTS},26,,,DATE(2024,6,29))",
        [
            ["figure", "low", "expected", "high"],
            ["still customers", 2.41999, 4.09648, 6.53690],
            ["purchases", 1.90061, 10.4774, 30.9008],
            ["CLV", 22.9285, 133.12, 403.042],
        ],
    ),
)
def clv_total(
    customers: Customers,
    dates: OrderDates,
    amounts: Amounts,
    horizon: Horizon,
    discount_rate: DiscountRate = 0.0,
    period: Period = "W",
    as_of: AsOf = None,
    model: BuyingModel = "bgnbd",
    prior: Prior = "none",
    confidence: Confidence = 0.9,
) -> list[list[Any]]:
    """What all customers of CLV_FORECAST together will bring, between a low and a high bound.

    The bounds hold what chance does to each customer, and how far the data tell the parameters
    (profile likelihood): of 100 such forecasts by a model that is right, 90 come true at a
    confidence of 0.9. They cannot know whether the model is right: BTYD_CHECK tells how it did
    before. New customers to come are not in it. The bounds are those of a gamma distribution of
    this mean and variance; where spend has no variance (q at most 2 and customers without a repeat
    purchase), those of CLV are #NUM!. BTYD_FIT says when not to use it.
    """
    bought = purchases(customers, dates, amounts, as_of)
    return total_rows(bought, horizon, discount_rate, period, model, prior, confidence)


@metric(
    "BTYD_CHECK",
    returns=TABLE,
    result="table",
    arrays=True,
    formula="BTYD_FIT up to split_date, its expected purchases beside those that came",
    source=f"{BTYD}, section 5; McCarthy & Wadsworth (2014), Buy 'Til You Die: A Walkthrough",
    columns=(
        (
            "period",
            "1, 2, 3 ... after split_date; then x=0 ... x=7+: by repeat purchases until then;"
            " mean absolute error; bias",
        ),
        ("actual", "Repeat purchases that came; of x=...: per customer"),
        ("expected", "Those that the model foretold; the errors"),
        ("cumulative actual", "Added up since split_date"),
        ("cumulative expected", "Added up since split_date"),
    ),
    example=(
        f'=BTYD_CHECK({BUYERS},{BUYING_DAYS},DATE(2024,5,11),,"M",DATE(2024,6,29))',
        [
            ["period", "actual", "expected", "cumulative actual", "cumulative expected"],
            [1, 6, 2.35916, 6, 2.35916],
            [2, 0, 1.12449, 6, 3.48365],
            ["x=0", 0, 0.410587, "", ""],
            ["x=1", 0, 0.0738847, "", ""],
            ["x=2", 1.5, 0.170126, "", ""],
            ["x=3", 0, 0.17529, "", ""],
            ["x=4", 0, 0.115426, "", ""],
            ["x=5", "", "", "", ""],
            ["x=6", 3, 1.66209, "", ""],
            ["x=7+", "", "", "", ""],
            ["mean absolute error", "", 0.456581, "", ""],
            ["bias", "", -0.419391, "", ""],
        ],
    ),
)
def btyd_check(
    customers: Customers,
    dates: OrderDates,
    split_date: Annotated[int, Arg("The last day that the model may know", DATE)],
    amounts: AmountsIfGiven = None,
    period: Period = "W",
    as_of: AsOf = None,
    model: BuyingModel = "bgnbd",
    prior: Prior = "none",
) -> list[list[Any]]:
    """Whether the model would have been right: fitted to a day, and compared with what came since.

    The fit is that of BTYD_FIT with the orders up to split_date. Only repeat purchases of customers
    seen by then count; new ones are no part of the forecast. The last period may end early, at
    as_of: then so does what is expected in it.

    The mean absolute error is per customer, over the whole time after split_date. The bias is the
    share by which all that was foretold is above what came: -0.1 is a tenth too low. Without a
    purchase after split_date it is #DIV/0!. Hold back at least as long as you want to look ahead. A
    bias near 0 with errors by frequency that cancel is no good model; one far from 0 may also be a
    season, a campaign or a change of prices, which the models do not know.
    """
    days = purchase_days(customers, dates, amounts, as_of)
    return check_rows(*divided(days, split_date), period, model, prior)


class Purchases(NamedTuple):
    """What the models take of each customer who bought; days are serial numbers.

    A purchase day is one with at least one row whose amount is not negative; its total is that of
    all rows of the day. Who only returned is left out.
    """

    customers: list[str | float]
    repeats: "Integers"
    """Purchase days after the first."""
    first: "Integers"
    last: "Integers"
    spend: "Floats"
    """Mean total of a repeat day, 0 if there is none."""
    as_of: int

    def history(self, period: str) -> tuple["Floats", "Floats", "Floats"]:
        """x, t_x and T of each customer."""
        t_x, age = self.last - self.first, self.as_of - self.first
        return self.repeats.astype(float), t_x / DAYS[period], age / DAYS[period]

    def counted(self, period: str) -> "KnownHistories":
        """The histories of these customers, each once."""
        from kpi_xl.btyd import histories_of
        from kpi_xl.btyd_forecast import of_customers

        x, *times = self.history(period)
        histories, place = histories_of(x, *times)
        each = of_customers(x, self.spend)
        paid = each.by(histories, place)
        return KnownHistories(histories, place, each, paid, (x, self.spend, each.many))


class PurchaseCounts(NamedTuple):
    """The same of many customers, counted where their orders are: a row for those who are alike."""

    repeats: "Integers"
    active: "Integers"
    """Days from the first purchase to the last."""
    age: "Integers"
    """Days from the first purchase to the last day observed."""
    many: "Floats"
    """The customers."""
    spend: "Floats"
    """The mean total of a repeat day, and 0 if it is below that, of all of them added up."""
    squares: "Floats"
    paid: "tuple[Floats, Floats, Floats]"
    """Different repeat purchases and mean totals of them, and how many customers have each."""

    def counted(self, period: str) -> "KnownHistories":
        """Their histories."""
        import numpy as np

        from kpi_xl.btyd import Histories
        from kpi_xl.btyd_forecast import Paid

        x, times = self.repeats.astype(float), (self.active, self.age)
        t_x, age = (days / DAYS[period] for days in times)
        kinds = np.unique(x, return_inverse=True)
        histories = Histories(x, t_x, age, self.many, *kinds)
        paid = Paid(x, self.many, self.spend, self.squares)
        return KnownHistories(histories, np.arange(len(x)), paid, paid, self.paid)


class KnownHistories(NamedTuple):
    """Histories, and what hangs on who has them: all that fits and sums over customers need."""

    histories: "Histories"
    place: "Integers"
    """The history of each row of purchases, which is a customer, or several who are alike."""
    each: "Paid"
    """How many customers each row has, and what they spend."""
    paid: "Paid"
    """The same of each history."""
    spend: "tuple[Floats, Floats, Floats]"
    """What the model of spend is fitted to: x, the mean spend, and how many have these."""


Bought = Purchases | PurchaseCounts


class PurchaseDays(NamedTuple):
    """The days on which customers bought, by customer and day."""

    known: list[str | float]
    """All customers, also those who bought nothing."""
    buyer: "Integers"
    """The number of each day's customer among them."""
    day: "Integers"
    total: "Floats"
    as_of: int


def purchase_days(
    customers: list[str | float], dates: list[int], amounts: list[float] | None, as_of: int | None
) -> PurchaseDays:
    """The days in columns of orders on which something was bought, and not only returned."""

    orders = observed(customers, dates, as_of, amounts)
    known = numbered(orders.customers)
    bought = days_bought(known.rows, orders.days, orders.amounts)
    return PurchaseDays(known.names, *bought, orders.as_of)


def days_bought(
    customer: "Integers", day: "Integers", amounts: "Floats"
) -> "tuple[Integers, Integers, Floats]":
    """Customer, day and total of each purchase day, sorted, in rows of numbered customers."""
    import numpy as np

    days, at = np.unique(
        customer * AFTER_LAST_DAY + day, return_inverse=True
    )  # one for each day of each
    totals = sums(at, amounts, len(days))
    bought = np.zeros(len(days), dtype=bool)
    bought[at[amounts >= 0.0]] = True
    return (*np.divmod(days[bought], AFTER_LAST_DAY), totals[bought])


def summed_up(days: PurchaseDays) -> Purchases:
    """Each customer's purchases, in order of first appearance."""
    import numpy as np

    who, first, count = np.unique(days.buyer, return_index=True, return_counts=True)
    totals = days.total.copy()
    totals[first] = 0.0
    spend = np.bincount(days.buyer, weights=totals)[who] / np.maximum(count - 1, 1)
    names = [days.known[number] for number in who.tolist()]
    last = first + count - 1
    return Purchases(names, count - 1, days.day[first], days.day[last], spend, days.as_of)


def purchases(
    customers: list[str | float], dates: list[int], amounts: list[float] | None, as_of: int | None
) -> Purchases:
    """The purchases in columns of orders, by customer in order of first appearance."""
    return summed_up(purchase_days(customers, dates, amounts, as_of))


class Later(NamedTuple):
    """Purchase days after the last one that a model knows, of customers whom it knows."""

    each: "Integers"
    """How many each customer of a row of purchases has."""
    day: "Integers"
    """Days on which they bought."""
    many: "Integers"
    """How many of them did."""
    known: int
    """The last day that the model knows."""
    until: int
    """The last day observed."""


def divided(days: PurchaseDays, split_date: int) -> tuple[Purchases, Later]:
    """The purchases up to a day, and those after it of the same customers."""
    import numpy as np

    refuse_split(split_date, days.as_of)
    before = days.day <= split_date
    if not before.any():
        raise NotEnoughData("nobody bought up to split_date")
    known = days._replace(
        buyer=days.buyer[before], day=days.day[before], total=days.total[before], as_of=split_date
    )
    who = np.unique(known.buyer)
    place = np.searchsorted(who, days.buyer)
    seen = ~before & (who[np.minimum(place, len(who) - 1)] == days.buyer)
    each = np.bincount(place[seen], minlength=len(who))
    day, many = np.unique(days.day[seen], return_counts=True)
    return summed_up(known), Later(each, day, many, split_date, days.as_of)


def refuse_split(split_date: int, until: int) -> None:
    """Refuse a day after which nothing was observed."""
    if split_date >= until:
        raise NotEnoughData("split_date is the last day observed, or after it: nothing came since")


def week_of(prior: str, period: str) -> float | None:
    """How many periods a week has, where there is a prior; it is stated in weeks."""
    return None if prior == "none" else 7.0 / DAYS[period]


def attempted(make: "Callable[[], Made]") -> "Made | KpiError":
    """What could be made, or why not."""
    try:
        return make()
    except KpiError as error:
        return copy(error)  # one that was raised holds all that was there, cells too


def made(part: "Made | KpiError") -> "Made":
    """What could be made. Raises why not."""
    if isinstance(part, KpiError):
        raise copy(part)
    return part


def refuse_if_all_failed(*parts: object) -> None:
    """One part that fails does not take the others with it."""
    errors = [part for part in parts if isinstance(part, KpiError)]
    if len(errors) == len(parts):
        sentences = tuple(dict.fromkeys(error.sentence for error in errors))
        raise NotEnoughData("{reasons}", reasons=Names(sentences, "; "))


def fit_rows(
    bought: Bought, period: str, model: str, prior: str, confidence: float | None,
    *, of_spend: bool,
) -> list[list[Any]]:  # fmt: skip
    """The table of BTYD_FIT."""
    from kpi_xl.btyd import MODELS, fit, spend_fit

    known = bought.counted(period)
    week = week_of(prior, period)
    best = attempted(lambda: fit(MODELS[model], known.histories, week=week))
    spend = attempted(lambda: spend_fit(*known.spend))
    refuse_if_all_failed(best, *([spend] if of_spend else []))
    rows = parameter_rows(MODELS[model].parameters, best, confidence)
    if of_spend and isinstance(spend, KpiError) and prior != "none":
        rows += [[name, "", "", ""] for name in "pqv"]
    elif of_spend:
        rows += parameter_rows(("p", "q", "v"), spend, confidence)
    likelihood = best.shown() if isinstance(best, KpiError) else best.log_likelihood
    rows.append(["log-likelihood", likelihood, "", ""])
    customers, again = known.histories.customers, known.histories.x > 0.0
    rows.append(["customers", float(customers.sum()), "", ""])
    rows.append(["repeat customers", float(customers[again].sum()), "", ""])
    width = 2 if confidence is None else 4
    return [row[:width] for row in [["parameter", "value", "low", "high"], *rows]]


def covariates_of(
    bought: Purchases,
    customers: list[str | float],
    dates: list[int],
    covariates: list[list[float]],
) -> "Floats":
    """The covariates of each customer's first row by date, a row a customer."""
    import numpy as np

    known = numbered(customers)
    number = known.rows
    by_date = np.argsort(np.asarray(dates), kind="stable")
    _, at = np.unique(number[by_date], return_index=True)
    place = {name: row for row, name in enumerate(known.names)}
    rows = by_date[at][[place[name] for name in bought.customers]]
    return np.array(covariates, dtype=float).T[rows]


def covariate_rows(
    bought: Purchases, covariates: "Floats", period: str, model: str, confidence: float | None,
    *, of_spend: bool,
) -> list[list[Any]]:  # fmt: skip
    """The table of BTYD_FIT with covariates."""
    import numpy as np

    from kpi_xl.btyd import MODELS, spend_fit
    from kpi_xl.covariates import fit_with

    history = bought.history(period)
    found = fit_with(MODELS[model], *history, covariates)
    rows = parameter_rows(MODELS[model].parameters, found, confidence)
    reach = normal_deviate((1.0 - (confidence or 0.5)) / 2.0)
    errors = (reach * np.sqrt(np.diag(found.covariance)[4:])).tolist()
    effects = [*found.purchases.tolist(), *found.leaving.tolist()]
    count = len(effects) // 2
    names = [f"{what} {n}" for what in ("purchases", "leaving") for n in range(1, count + 1)]
    rows += [
        [name, effect, effect - error, effect + error]
        for name, effect, error in zip(names, effects, errors, strict=True)
    ]
    if of_spend:
        spend = attempted(lambda: spend_fit(history[0], bought.spend))
        rows += parameter_rows(("p", "q", "v"), spend, confidence)
    rows.append(["log-likelihood", found.log_likelihood, "", ""])
    rows.append(["customers", float(len(covariates)), "", ""])
    rows.append(["repeat customers", float((history[0] > 0.0).sum()), "", ""])
    width = 2 if confidence is None else 4
    return [row[:width] for row in [["parameter", "value", "low", "high"], *rows]]


def parameter_rows(
    names: tuple[str, ...],
    fit: "BuyingFit | SpendFit | CovariateFit | KpiError",
    confidence: float | None,
) -> list[list[Any]]:
    """Parameters with their bounds; blank where they are limits that have no value."""
    from kpi_xl.btyd_forecast import parameter_intervals

    if isinstance(fit, KpiError):
        return [[name, *[fit.shown()] * 3] for name in names]
    limits = len(names) == 4 and not fit.parameters[2]
    known = [[value, "", ""] for value in fit.parameters]
    if confidence is not None:
        known = [[at, low, high] for low, at, high in parameter_intervals(fit, confidence)]
    return [
        [name, *(["", "", ""] if limits and number > 1 else values)]
        for number, (name, values) in enumerate(zip(names, known, strict=True))
    ]


def spend_of(known: KnownHistories, paid: "Paid", prior: str) -> "Spend":
    """What customers spend at a time: modelled, or with a prior else the mean."""
    from kpi_xl.btyd import spend_fit
    from kpi_xl.btyd_forecast import mean_spend, modelled_spend

    try:
        fit = spend_fit(*known.spend)
        if fit.parameters[1] <= 1.0:
            raise OutOfDomain(
                "spend differs so much between customers that it has no mean (q is {q})",
                q=round(float(fit.parameters[1]), 3),
            )
    except KpiError:
        mean = mean_spend(*known.spend, paid) if prior != "none" else None
        if mean is None:
            raise
        return mean
    return modelled_spend(fit, paid)


def forecast_rows(
    bought: Purchases, horizon: float, discount_rate: float, period: str, model: str,
    prior: str, confidence: float | None,
) -> list[list[Any]]:  # fmt: skip
    """The table of CLV_FORECAST."""
    from kpi_xl.btyd import MODELS, fit
    from kpi_xl.btyd_forecast import ExpectedPurchases, worth_bounds

    chosen, history, known = MODELS[model], bought.history(period), bought.counted(period)
    histories, place = known.histories, known.place
    ahead = int(horizon), discount_rate
    best = attempted(lambda: fit(chosen, histories, week=week_of(prior, period)))
    spend = attempted(lambda: spend_of(known, known.each, prior))
    refuse_if_all_failed(best, spend)
    bring = attempted(
        lambda: ExpectedPurchases.of(chosen, made(best).parameters, histories, *ahead)
    )
    parts = [
        attempted(lambda: made(bring).alive[place]),
        attempted(lambda: made(bring).expected[place]),
        attempted(lambda: made(spend).mean),
        attempted(lambda: made(bring).discounted[place] * made(spend).mean),
    ]
    header = ["customer", "frequency", "recency", "age", "P(alive)", "expected purchases"]
    header += ["expected spend", "CLV"]
    if confidence is not None:
        header += ["low", "high"]
        bounds = attempted(
            lambda: worth_bounds(
                chosen, made(best), histories, place, *ahead, made(spend), confidence
            )
        )
        parts += [bounds] * 2 if isinstance(bounds, KpiError) else bounds
    columns = [
        [part.shown()] * len(place) if isinstance(part, KpiError) else part.tolist()
        for part in (*history, *parts)
    ]
    return [header, *map(list, zip(bought.customers, *columns, strict=True))]


def total_rows(
    bought: Bought, horizon: float, discount_rate: float, period: str, model: str,
    prior: str, confidence: float,
) -> list[list[Any]]:  # fmt: skip
    """The table of CLV_TOTAL."""
    from kpi_xl.btyd import MODELS, fit
    from kpi_xl.btyd_forecast import sums as summed

    known = bought.counted(period)
    best = fit(MODELS[model], known.histories, week=week_of(prior, period))
    spend = attempted(lambda: spend_of(known, known.paid, prior))
    found = summed(
        MODELS[model], best, known.histories, int(horizon), discount_rate,
        None if isinstance(spend, KpiError) else spend, confidence,
    )  # fmt: skip
    rows: list[list[Any]] = [["figure", "low", "expected", "high"]]
    rows.append(["still customers", *found.alive])
    rows.append(["purchases", *found.purchases])
    if isinstance(spend, KpiError):
        rows.append(["CLV", *[spend.shown()] * 3])
    elif found.worth is not None:
        wide = OutOfDomain("spend differs so much between customers that it has no variance")
        worth = (wide.shown() if isnan(bound) else bound for bound in found.worth)
        rows.append(["CLV", *worth])
    return rows


def alike_rows(
    bought: Bought, horizon: float, discount_rate: float, period: str, model: str, prior: str
) -> list[list[Any]]:
    """CLV_FORECAST added up, by repeat purchases: the last row is of those with more, too."""
    import numpy as np

    from kpi_xl.btyd import MODELS, fit
    from kpi_xl.btyd_forecast import ExpectedPurchases

    known = bought.counted(period)
    chosen, histories = MODELS[model], known.histories
    best = fit(chosen, histories, week=week_of(prior, period))
    at = ExpectedPurchases.of(chosen, best.parameters, histories, int(horizon), discount_rate)
    spend = attempted(lambda: spend_of(known, known.paid, prior))
    many, kind = histories.customers, np.minimum(histories.x, MOST_FREQUENT).astype(np.int64)
    kinds = np.unique(kind)
    parts = [many, at.alive * many, at.expected * many]
    if not isinstance(spend, KpiError):
        parts.append(at.discounted * spend.mean)
    columns = [np.bincount(kind, weights=part)[kinds].tolist() for part in parts]
    if isinstance(spend, KpiError):
        columns.append([spend.shown()] * len(kinds))
    columns.insert(1, kinds.tolist())
    header = ["customers", "frequency", "still customers", "purchases", "CLV"]
    return [header, *map(list, zip(*columns, strict=True))]


MOST_FREQUENT = 7  # repeat purchases: these and more are one group


def check_rows(
    bought: Bought, later: Later, period: str, model: str, prior: str
) -> list[list[Any]]:
    """The table of BTYD_CHECK."""
    import numpy as np

    from kpi_xl.btyd import MODELS, added, expected_by, fit

    days = DAYS[period]
    time = (later.until - later.known) / days
    if time > MOST_PERIODS:
        raise OutOfDomain(
            "more than {most} periods after split_date: take longer ones",
            most=MOST_PERIODS,
        )
    chosen, known = MODELS[model], bought.counted(period)
    best = fit(chosen, known.histories, week=week_of(prior, period))
    ends = np.minimum(np.arange(1.0, ceil(time) + 1.0), time)
    foretold = expected_by(chosen, best.parameters, known.histories, ends)
    # The last day of a period is within it.
    number = np.ceil((later.day - later.known) / days).astype(np.int64) - 1
    came = np.cumsum(np.bincount(number, weights=later.many, minlength=len(ends)).astype(np.int64))
    steps = (np.diff(by, prepend=0.0).tolist() for by in (came, foretold))
    columns = range(1, len(ends) + 1), *steps, came.tolist(), foretold.tolist()
    each = chosen.expected(best.parameters, known.histories, ends[-1:], np.ones(1))[known.place]
    parts = later.each.astype(float), each
    off = np.abs(parts[0] - each)
    return [
        ["period", "actual", "expected", "cumulative actual", "cumulative expected"],
        *map(list, zip(*columns, strict=True)),
        *by_frequency(np.minimum(bought.repeats, MOST_FREQUENT), later.each, each, known.each.many),
        ["mean absolute error", "", float(np.average(off, weights=known.each.many)), "", ""],
        ["bias", "", bias(*(float(added(known.each.many, part)) for part in parts)), "", ""],
    ]


def by_frequency(
    repeats: "Integers", actual: "Integers", expected: "Floats", many: "Floats"
) -> list[list[Any]]:
    """Purchases per customer, actual and expected, by repeat purchases before; blank of nobody."""
    import numpy as np

    rows: list[list[Any]] = []
    for count in range(MOST_FREQUENT + 1):
        these = repeats == count
        means = [
            float(np.average(values[these], weights=many[these])) if these.any() else ""
            for values in (actual, expected)
        ]
        rows.append([f"x={count}" + "+" * (count == MOST_FREQUENT), *means, "", ""])
    return rows


def bias(actual: float, expected: float) -> Any:
    """The share by which what was foretold is above what came."""
    if not actual:
        return ZeroDenominator("nobody seen by split_date bought after it").shown()
    return expected / actual - 1.0


class Losses(NamedTuple):
    """Customers by the period of their contract, from the first on, all cohorts together."""

    at_risk: list[float]
    """Customers who came to it, of the cohorts that were followed to its end."""
    stayed: list[float]
    """Those of them who stayed beyond it."""

    @property
    def lost(self) -> float:
        """Customers who left, in any period."""
        return fsum(self.at_risk) - fsum(self.stayed)


def losses_of(survivors: list[list[float | None]]) -> Losses:
    """What cohorts tell, a column each; it is all that the likelihood looks at."""
    if len(survivors) > 1 and len(survivors[0]) == 1:
        survivors = [[column[0] for column in survivors]]  # one cohort, written across
    cohorts = [
        counted(column, number if len(survivors) > 1 else 0)
        for number, column in enumerate(survivors, start=1)
    ]
    cohorts = [cohort for cohort in cohorts if cohort]
    longest = max(map(len, cohorts), default=0)
    if longest < 3:
        raise NotEnoughData("survivors needs at least three values")
    if all(cohort[0] == 1.0 for cohort in cohorts):
        cohorts = [[share * CUSTOMERS_OF_SHARES for share in cohort] for cohort in cohorts]
    elif any(cohort[0] == 1.0 and any(count % 1.0 for count in cohort) for cohort in cohorts):
        raise WrongInput("survivors holds shares beside counts: give the one or the other")
    followed = [
        [(cohort[t], cohort[t + 1]) for cohort in cohorts if len(cohort) > t + 1]
        for t in range(longest - 1)
    ]
    losses = Losses(
        [fsum(before for before, _ in pairs) for pairs in followed],
        [fsum(after for _, after in pairs) for pairs in followed],
    )
    if losses.at_risk == losses.stayed:
        raise NotEnoughData("no customer has left yet")
    return losses


def counted(column: list[float | None], number: int) -> list[float]:
    """A cohort's survivors up to its last value; it has a number where it is one of several."""
    last = max((row for row, count in enumerate(column, start=1) if count is not None), default=0)
    counts: list[float] = []
    for row, count in enumerate(column[:last], start=1):
        if count is None:
            raise WrongInput("{name} is blank", name=_place(row, number))
        if counts and count > counts[-1]:
            raise OutOfDomain("{name} is more than the one before it", name=_place(row, number))
        counts.append(count)
    return counts


def _place(row: int, column: int) -> Message:
    text = "value {row} in column {column} of {name}" if column else "value {row} of {name}"
    return Message(text, row=row, column=column, name="survivors")


def constant_churn(losses: Losses) -> float:
    """The churn of the greatest likelihood if it is one for all customers and periods."""
    return losses.lost / fsum(losses.at_risk)


def constant_retention(losses: Losses) -> float:
    """1 less that, to the last digit where hardly anybody stays."""
    return fsum(losses.stayed) / fsum(losses.at_risk)


def log_likelihood(losses: Losses, shapes: tuple[float, float] | None) -> float:
    """Of the survivors, with alpha and beta, or with one churn for all."""
    if shapes is None:
        churn = constant_churn(losses)
        stayed = fsum(losses.stayed)
        of_stayed = stayed * log(constant_retention(losses)) if stayed else 0.0
        return losses.lost * log(churn) + of_stayed
    alpha, beta = shapes
    return fsum(
        [
            losses.lost * log(alpha),
            *(after * log(beta + t) for t, after in enumerate(losses.stayed)),
            *(-before * log(alpha + beta + t) for t, before in enumerate(losses.at_risk)),
        ]
    )


def fitted(losses: Losses) -> tuple[float, float] | None:
    """alpha and beta of the greatest likelihood; None where it is that of one churn for all.

    With alpha = churn / d and beta = (1 - churn) / d the churn of period t is churn / (1 + d (t -
    1)). Where the likelihood does not rise with d from 0 on, customers who differ explain the
    losses no better than customers who are alike: they leave at one same rate, or faster with time.
    """
    if not fsum(losses.at_risk[1:]) - fsum(losses.stayed[1:]) and fsum(losses.stayed):
        raise NotEnoughData(ONLY_AT_FIRST)
    stays = constant_retention(losses)
    rise = fsum(
        t * (after / stays - before) if stays else 0.0
        for t, (before, after) in enumerate(zip(losses.at_risk, losses.stayed, strict=True))
    )
    if rise <= ROUNDING * fsum(t * before for t, before in enumerate(losses.at_risk)):
        return None
    return shapes_of(losses)


def shapes_of(losses: Losses) -> tuple[float, float] | None:
    """The search: Newton's steps over the logarithms of alpha and beta; None if it has no end."""
    scale = max(losses.at_risk)
    losses = Losses(*([count / scale for count in counts] for counts in losses))
    lost = losses.lost
    alpha = beta = 1.0
    best = log_likelihood(losses, (alpha, beta))
    damping = 1e-3
    for _ in range(500):
        inverse = [1.0 / (alpha + beta + t) for t in range(len(losses.at_risk))]
        stays = [1.0 / (beta + t) for t in range(len(losses.at_risk))]
        at_risk = fsum(n * x for n, x in zip(losses.at_risk, inverse, strict=True))
        curve = fsum(n * x * x for n, x in zip(losses.at_risk, inverse, strict=True))
        stayed = fsum(n * x for n, x in zip(losses.stayed, stays, strict=True))
        to_alpha = lost - alpha * at_risk
        to_beta = beta * (stayed - at_risk)
        if max(abs(to_alpha), abs(to_beta)) < 1e-10:
            return alpha, beta
        both = alpha * beta * curve
        alphas = alpha * alpha * curve - alpha * at_risk
        bend = fsum(n * x * x for n, x in zip(losses.stayed, stays, strict=True))
        betas = beta * beta * (curve - bend) + to_beta
        while damping < 1e12:
            a, b = alphas - damping, betas - damping
            determinant = a * b - both * both
            step_alpha = -(to_alpha * b - to_beta * both) / determinant
            step_beta = -(to_beta * a - to_alpha * both) / determinant
            if a < 0.0 < determinant and max(abs(step_alpha), abs(step_beta)) < 3.0:
                there = alpha * exp(step_alpha), beta * exp(step_beta)
                likelihood = log_likelihood(losses, there)
                if likelihood >= best:
                    break
            damping *= 4.0
        else:
            break
        if max(abs(step_alpha), abs(step_beta)) < 1e-7:  # rounding keeps the slope from being less
            return there
        (alpha, beta), best, damping = there, likelihood, max(damping / 16.0, 1e-12)
        if min(alpha, beta) < SMALLEST_SHAPE:
            raise NotEnoughData(
                "nearly all who left did so at the end of the first period: when others will is not"
                " to be told"
            )
        if max(alpha, beta) > LARGEST_SHAPE:
            break
    return None


def discounted_lifetime(alpha: float, beta: float, rate: float) -> float:
    """The sum of survival(t) / (1 + rate)^t over all t from 0.

    Of a customer who leaves at the end of a period with probability p it is a geometric series.
    """
    return (1.0 + rate) * fsum(
        weight / (rate + point) for point, weight in beta_points(alpha, beta, rate)
    )


BGBB = (
    "Fader, Hardie & Shang (2010), Customer-Base Analysis in a Discrete-Time Noncontractual"
    " Setting, Marketing Science 29"
)
OPPORTUNITIES = Domain(0, 1_000, whole=True)


@metric(
    "BGBB_FIT",
    returns=TABLE,
    result="table",
    formula="maximum of the log-likelihood of equation 6",
    source=BGBB,
    columns=(
        ("parameter", "alpha, beta, gamma, delta; log-likelihood, customers"),
        ("value", "Its value"),
    ),
    example=(
        "=BGBB_FIT({0;1;1;1;1;1;1;2;2;2;2;2;3;3;3;3;4;4;4;5;5;6},"
        "{0;1;2;3;4;5;6;2;3;4;5;6;3;4;5;6;4;5;6;5;6;6},"
        "{6;6;6;6;6;6;6;6;6;6;6;6;6;6;6;6;6;6;6;6;6;6},"
        "{3464;1091;277;129;78;119;129;613;255;155;173;234;322;181;225;357;240;284;512;335;728;1203})",
        [
            ["parameter", "value"],
            ["alpha", 1.2035],
            ["beta", 0.7497],
            ["gamma", 0.6567],
            ["delta", 2.7834],
            ["log-likelihood", -33225.5813],
            ["customers", 11104],
        ],
    ),
)
def bgbb_fit(
    frequency: Annotated[
        list[float],
        Arg(
            "At how many opportunities the customer bought",
            COUNT,
            OPPORTUNITIES,
            column=True,
            blank="zero",
        ),
    ],
    recency: Annotated[
        list[float],
        Arg(
            "The number of the last of them; 0: none",
            COUNT,
            OPPORTUNITIES,
            column=True,
            blank="zero",
        ),
    ],
    opportunities: Annotated[
        list[float],
        Arg("How many opportunities there were", COUNT, OPPORTUNITIES, column=True, blank="refuse"),
    ],
    counts: Annotated[
        list[float] | None,
        Arg(
            "How many customers have this history; 1 if left out", COUNT, column=True, blank="zero"
        ),
    ] = None,
) -> list[list[Any]]:
    """BG/BB model of customers who give or buy at most once a year, say, by maximum likelihood.

    At each opportunity a customer who is still there buys with a probability of their own (alpha,
    beta), and before each may be lost for good with another (gamma, delta). The first purchase,
    with which a customer came, does not count. It is for few, even opportunities, such as yearly
    gifts; for purchases at any time take BTYD_FIT. More purchases than the last one's number, or
    that more than the opportunities, are #NUM!; no customer, or histories that tell no parameters,
    #N/A.
    """
    import numpy as np

    from kpi_xl.bgbb import fit

    x, t_x, n = (np.asarray(column, dtype=float) for column in (frequency, recency, opportunities))
    customers = np.ones(len(x)) if counts is None else np.asarray(counts, dtype=float)
    wrong = np.flatnonzero((x > t_x) | (t_x > n) | ((x == 0.0) & (t_x > 0.0)))
    if len(wrong):
        raise OutOfDomain(
            "row {row}: {purchases} purchases, the last at opportunity {last} of {opportunities}",
            row=wrong[0] + 1,
            purchases=float(x[wrong[0]]),
            last=float(t_x[wrong[0]]),
            opportunities=float(n[wrong[0]]),
        )
    if not customers.sum() or not n.max():
        raise NotEnoughData("no customer had an opportunity")
    parameters, likelihood = fit(x, t_x, n, customers)
    rows = zip(("alpha", "beta", "gamma", "delta"), parameters, strict=True)
    return [
        ["parameter", "value"],
        *map(list, rows),
        ["log-likelihood", likelihood],
        ["customers", float(customers.sum())],
    ]
