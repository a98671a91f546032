"""Probability models of customers who stay or leave."""

from math import fsum
from typing import TYPE_CHECKING, Annotated, Any

from kpi_xl.errors import NotEnoughData, OutOfDomain, WrongInput
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
from kpi_xl.metrics.histories import (
    MOST_PERIODS,
    check_rows,
    covariate_rows,
    covariates_of,
    divided,
    fit_rows,
    forecast_rows,
    purchase_days,
    purchases,
    total_rows,
)
from kpi_xl.registry import Arg, metric
from kpi_xl.sbg import (
    ONLY_AT_FIRST,
    Losses,
    constant_churn,
    discounted_lifetime,
    fitted,
    log_likelihood,
    losses_of,
)
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

SBG = (
    "Fader & Hardie (2007), How to Project Customer Retention, Journal of Interactive Marketing 21"
)

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
