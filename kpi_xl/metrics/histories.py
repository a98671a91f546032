"""Purchase histories of customers, and the tables that the models of purchases make of them.

What BTYD_FIT, CLV_FORECAST, CLV_TOTAL and BTYD_CHECK share over columns and over frames: the models
are in `kpi_xl.btyd`, what is expected by them in `kpi_xl.btyd_forecast`. NumPy is imported inside
the functions, as in the families.
"""

from collections.abc import Callable
from copy import copy
from math import ceil, isnan
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from kpi_xl.errors import KpiError, NotEnoughData, OutOfDomain, ZeroDenominator
from kpi_xl.locales import Names
from kpi_xl.metrics.experiments import normal_deviate
from kpi_xl.metrics.tallies import numbered, observed, sums
from kpi_xl.periods import DAYS
from kpi_xl.serials import AFTER_LAST_DAY

if TYPE_CHECKING:
    from kpi_xl.btyd import BuyingFit, Floats, Histories, SpendFit
    from kpi_xl.btyd_forecast import Paid, Spend
    from kpi_xl.covariates import CovariateFit
    from kpi_xl.metrics.tallies import Integers

Made = TypeVar("Made")

MOST_PERIODS = 10_000


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
