"""From the table that an export is of to another table: days to months, deals to weeks."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from kpi_xl.exports.gaps import gaps
from kpi_xl.exports.options import money
from kpi_xl.exports.reading import NOUNS, Reading, tell_left
from kpi_xl.exports.recognition import lacking
from kpi_xl.locales import Counted, Message, Names
from kpi_xl.locales.currencies import closer
from kpi_xl.schema import Column
from kpi_xl.sources.grain import GRAIN_WORDS, monday, month_of, next_month
from kpi_xl.sources.records import spare
from kpi_xl.sources.terms import options_for
from kpi_xl.units import COUNT, DATE, KEY, MONEY, TEXT, Unit

COLUMNS: dict[str, tuple[Column, ...]] = {
    "Ads": tuple(
        Column(name, unit, required=False)
        for name, unit in (
            ("date", DATE), ("campaign", KEY), ("ad_group", KEY), ("channel", KEY),
            ("impressions", COUNT), ("clicks", COUNT), ("cost", MONEY), ("conversions", COUNT),
            ("revenue", MONEY), ("sent", COUNT), ("delivered", COUNT), ("opens", COUNT),
            ("email_clicks", COUNT), ("unsubscribes", COUNT),
        )
    ),
    "Orders": tuple(
        Column(name, unit, required=False)
        for name, unit in (
            ("order", KEY), ("customer", KEY), ("date", DATE), ("amount", MONEY), ("status", KEY)
        )
    ),
    "Leads": tuple(
        Column(name, unit, required=False)
        for name, unit in (
            ("lead_id", KEY), ("created", DATE), ("channel", KEY), ("campaign", KEY),
            ("owner", KEY), ("mql_date", DATE), ("sql_date", DATE), ("sqo_date", DATE),
            ("won_date", DATE), ("lost_date", DATE), ("value", MONEY),
        )
    ),
    "Contracts": tuple(
        Column(name, unit, required=False)
        for name, unit in (
            ("customer", KEY), ("started", DATE), ("ended", DATE), ("amount", MONEY),
            ("quantity", COUNT), ("interval", TEXT), ("coupon", TEXT),
        )
    ),
}  # fmt: skip
"""The columns of the tables that exports are of, where a template has not that table."""

TARGETS = {
    "Ads": ("Ads", "Spend", "Months"),
    "Orders": ("Orders", "Months"),
    "Leads": ("Leads", "Weeks", "Months"),
    "Contracts": ("Subscriptions", "Subscribers"),
}
"""Which tables the rows of another can fill."""

STOCKS = {"followers": "last", "customers_end": "last", "customers_start": "first",
          "audience": "last", "market_buyers": "last", "mrr_start": "first",
          "visitors": "", "reach": "", "active_users": "", "buyers": "",
          "repeat_buyers": ""}  # fmt: skip
"""Columns of Months that do not add up: what a month takes of its weeks; nothing, if none fits."""


NEEDED = {"Ads": ["date"], "Orders": ["date"], "Spend": ["month"], "Months": ["month"],
          "Weeks": ["week"], "Contracts": ["customer", "started", "amount"]}  # fmt: skip
"""What every row needs that is to be added up: it would be in no month, or of one with others."""

GONE = ("canceled", "cancelled")
"""What a subscription's status says where it is over, whether or not its last day is there."""

NO_ENDS = Message(
    "does not say when subscriptions ended, so that nobody would ever leave: export it with that"
    " column, and with those that are canceled"
)
NOBODY_LEFT = Message(
    "no subscription has ended: if the list leaves out those that are canceled, whoever left is"
    " missing, and no customer is lost"
)

WITHOUT_END = (
    "row {row}: a subscription that is canceled, and has no day on which it ended: write it, or"
    " delete the row"
)

NO_COST = Message(
    "has no cost, and a row of the table {table} says what a channel cost in a month", table="Spend"
)

DEALS_ARE_OPPORTUNITIES = Message("every deal counts as an opportunity (SQO) from its creation")


def targets(table: str) -> Sequence[str]:
    """The tables that the rows of a table can fill, the likeliest first."""
    return TARGETS.get(table, (table,))


def columns_of(source: str, tables: Mapping[str, Sequence[Column]]) -> Sequence[Column]:
    """The columns of a table that exports are of, as the template has it, if it has it."""
    return tables.get(source) or COLUMNS.get(source, ())


def convert(reading: Reading, table: str, columns: Sequence[Column]) -> None:
    """Make a reading one of another table, or of its months; what cannot be is a fault."""
    source = reading.match.layout.table
    if source == table == "Leads" and (fault := _unnamed(reading)):
        reading.faults.append(fault)
        return
    counts = [column.name for column in columns if column.unit not in (DATE, KEY, TEXT)]
    # Of visits alone, say, where the table has none.
    if source == table == "Spend" and not _known(reading, counts):
        reading.faults.append(NO_COST)
        return
    # A vendor's rows have their days, but for sums of them under a name that nobody knows.
    if source in ("Ads", "Orders") and reading.match.layout.file:
        _without_undated(reading, all_of_them=source == table)
    if not len(reading.frame):  # why, the remarks say
        reading.table = table
        return
    if source == "Leads" and table != "Weeks":
        _opportunities(reading)
    of_days = table == "Spend" and reading.grain != "month"
    added_up = source != table or table in ("Months", "Weeks") or of_days
    needed = [[name] for name in NEEDED.get(source, ())] if added_up else []
    if faults := [*gaps(reading.frame, needed, reading)]:
        reading.faults += faults
        return
    if added_up:  # what is in two currencies has been refused, or converted
        one = closer(*set(reading.frame["_currency"]))
        reading.frame = reading.frame.assign(_currency=one)
    if source == table:
        if table == "Months":
            _months(reading, columns)
        elif of_days:
            _grouped(reading, ["month", "channel"], {"month": month_of})
        elif table == "Weeks":
            _grouped(reading, ["rep", "week"], {"week": monday})
        reading.table = table
        return
    CONVERTERS[source, table](reading)
    reading.table = table


def _known(reading: Reading, names: Sequence[str]) -> bool:
    """Whether any row has a cell in one of these columns."""
    frame = reading.frame
    return any(frame[name].notna().any() for name in names if name in frame)


def _grouped(reading: Reading, keys: Sequence[str], to: dict[str, Callable[[date], date]]) -> None:
    """Add up what is alike in the keys, days made months or weeks before."""
    frame = reading.frame.copy()
    for name, change in to.items():
        frame[name] = frame[name].map(change)
    if reading.grain == "week" and "month" in to:
        _tell_weeks(reading)
    numbers = [n for n in frame.columns if n not in keys and frame[n].dtype.kind == "f"]
    present = [key for key in keys if key in frame]
    frame = frame.groupby([*present, "_currency"], sort=False, as_index=False, dropna=False).agg(
        {"_row": "first", **{name: lambda column: column.sum(min_count=1) for name in numbers}}
    )
    reading.frame = frame


def _tell_weeks(reading: Reading) -> None:
    weeks = [
        day for day in reading.frame["month"].unique() if day + timedelta(days=6) >= next_month(day)
    ]
    reading.left.append(Message("weeks count in the month of their first day"))
    if weeks:
        number = Counted(len(weeks), "weeks")
        reading.left.append(Message("{weeks} reaching into the next month", weeks=number))


def _months(reading: Reading, columns: Sequence[Column]) -> None:
    """Days and weeks as months, where a column adds up; of stocks the first or last one."""
    if reading.grain == "month" and reading.frame["month"].map(month_of).is_unique:
        return
    frame = reading.frame.sort_values("month", kind="stable")
    if reading.grain == "week":
        _tell_weeks(reading)
    how: dict[str, Any] = {"_row": "first", "_currency": "first"}
    for column in columns:
        name = column.name
        if name not in frame or name == "month" or not frame[name].notna().any():
            continue
        rule = STOCKS.get(name, "sum")
        if rule == "":
            reading.faults.append(
                Message(
                    "has {name} by the {grain}, which does not add up to months (the same"
                    " people are counted again): give it by month, or leave it out with"
                    " --set {name}=",
                    name=name,
                    grain=GRAIN_WORDS[reading.grain],
                )
            )
            continue
        how[name] = (lambda cells: cells.sum(min_count=1)) if rule == "sum" else rule
        if rule != "sum":
            reading.left.append(
                Message("{column}: the first of each month", column=name)
                if rule == "first"
                else Message("{column}: the last of each month", column=name)
            )
    frame = frame.assign(month=frame["month"].map(month_of))
    reading.frame = frame.groupby("month", sort=True, as_index=False).agg(how)


def _spend(reading: Reading) -> None:
    if not _known(reading, ["cost"]):
        reading.faults.append(NO_COST)
        return
    name_channel(reading)
    reading.frame = _by_month(reading.frame, cost="spend")
    _grouped(reading, ["month", "channel"], {"month": month_of})


def name_channel(reading: Reading) -> None:
    """Where no column says the channel, it is the vendor."""
    if "channel" not in reading.frame:
        reading.frame = reading.frame.assign(channel=reading.match.layout.vendor)


def _by_month(frame: Any, **names: str) -> Any:
    """A frame whose days are to be months, and whose columns have other names."""
    if "date" in frame:  # it says more than a month beside it
        frame = frame.drop(columns="month", errors="ignore")
    return frame.rename(columns={"date": "month", **names})


def _ad_months(reading: Reading) -> None:
    reading.frame = _by_month(reading.frame, cost="ad_spend", revenue="ad_revenue")
    mails = {"opens": "opened", "email_clicks": "clicked", "unsubscribes": "unsubscribed"}
    if "sent" in reading.frame:
        reading.frame = reading.frame.rename(columns=mails).drop(
            columns=[n for n in ("ad_revenue", "clicks", "impressions") if n in reading.frame]
        )
    if "conversions" in reading.frame:
        reading.frame = reading.frame.drop(columns="conversions")
    _grouped(reading, ["month"], {"month": month_of})


def _order_months(reading: Reading) -> None:
    if not len(reading.frame):
        return
    frame = reading.frame.assign(month=reading.frame["date"].map(month_of))
    grouped = frame.groupby("month", sort=True)
    months = grouped["amount"].sum(min_count=1).reset_index(name="revenue")
    orders = frame[frame["amount"].fillna(0.0) >= 0]
    if "order" in frame:  # one may be paid in parts
        orders = orders[orders["order"].isna() | ~orders.duplicated(["month", "order"])]
    counts = orders.groupby("month")["amount"].size()
    months["orders"] = months["month"].map(counts).fillna(0).astype(float)
    if "customer" in frame:
        buyers = orders.groupby("month")["customer"].nunique()
        months["buyers"] = months["month"].map(buyers).fillna(0).astype(float)
    months["_row"], months["_currency"] = 0, frame["_currency"].iloc[0]
    reading.frame = months


def _without_undated(reading: Reading, *, all_of_them: bool) -> None:
    """Rows without a day are left out, and told; or those alone that count nothing, as drafts."""
    frame, noun = reading.frame, NOUNS.get(reading.match.layout.table, "rows")
    if "date" in frame:
        undated = frame["date"].isna()
        if not all_of_them:
            numbers = frame.select_dtypes("number").drop(columns="_row")
            undated &= numbers.fillna(0).eq(0).all(axis=1)
        tell_left(frame[undated], Message("without a {column}", column="date"), noun, reading)
        reading.frame = frame[~undated]


def _unnamed(reading: Reading) -> Message | None:
    """What is wrong with leads of which nobody knows which they are, or when they began."""
    frame, match = reading.frame, reading.match
    missing = [name for name in ("lead_id", "created")
               if name not in frame or not frame[name].notna().any()]  # fmt: skip
    if not missing:
        return None
    these = [column for column in COLUMNS["Leads"] if column.name in missing]
    return Message(
        "has no cell of {missing} under row {row}; it has {has}: without it, {leads} ({worth})"
        " would be no leads, or in no month: export it, too, or say which column it is, as in"
        " {options}",
        missing=Names(tuple(missing), ", "),
        row=match.row + 1,
        has=Names(tuple(filter(None, match.headers)), ", "),
        leads=Counted(len(frame), "leads"),
        worth=money(float(frame["value"].sum())) if "value" in frame else "-",
        options=options_for(missing, these, spare(match.headers, match.places)),
    )


def without_customers(reading: Reading) -> Message | None:
    """What is wrong with orders of which no column says whose they are."""
    if reading.into != "Orders" or "customer" in reading.frame:
        return None
    who = [column for column in COLUMNS["Orders"] if column.name == "customer"]
    return lacking(reading.match, ["customer"], who)


def _opportunities(reading: Reading) -> None:
    """A deal is an opportunity from the day it was created, where nothing else is known."""
    frame = reading.frame
    stages = [name for name in ("mql_date", "sql_date", "sqo_date") if name in frame]
    ends = [name for name in ("won_date", "lost_date") if name in frame]
    layout, places = reading.match.layout, reading.match.places
    deals = layout.file != "" and "sqo_date" not in frame
    if deals and not layout.of_user and not {"stage", "status"} & places.keys():
        return  # a list of contacts, few of whom become an opportunity
    if any(frame[name].notna().any() for name in stages if deals is False) or (
        not deals and not any(frame[name].notna().any() for name in ends)
    ):
        return
    if "created" in frame:
        reading.frame = frame.assign(sqo_date=frame["created"])
        reading.left.append(DEALS_ARE_OPPORTUNITIES)


def _deal_weeks(reading: Reading) -> None:
    """What a rep won in a week, from a list of deals."""
    import pandas as pd

    frame = reading.frame
    if "owner" not in frame:
        reading.faults.append(
            Message("has no column of who owns a deal, so that no rep can have it")
        )
        return
    won = frame["won_date"] if "won_date" in frame else pd.Series(None, index=frame.index)
    lost = frame["lost_date"] if "lost_date" in frame else pd.Series(None, index=frame.index)
    closed = won.where(won.notna(), lost)
    done = frame.assign(closed=closed, won=won.notna())[closed.notna()]
    missing = done["owner"].isna().sum()
    if missing:
        deals = Counted(int(missing), "deals")
        reading.left.append(Message("{deals} without an owner", deals=deals))
        done = done[done["owner"].notna()]
    if still := len(frame) - int(closed.notna().sum()):
        reading.left.append(Message("{deals} still open", deals=Counted(still, "deals")))
    done = done.assign(
        week=done["closed"].map(monday),
        rep=done["owner"],
        sales=done["value"].where(done["won"], 0.0).fillna(0.0),
        deals=done["won"].astype(float),
    )
    reading.frame = done[["_row", "_currency", "rep", "week", "sales", "deals"]]
    _grouped(reading, ["rep", "week"], {})


def _lead_months(reading: Reading) -> None:
    """How many leads, MQLs, SQLs, SQOs, deals won and lost a month has."""
    import pandas as pd

    frame = reading.frame
    counts = {"created": "leads", "mql_date": "mqls", "sql_date": "sqls", "sqo_date": "sqos",
              "won_date": "won", "lost_date": "lost"}  # fmt: skip
    months: dict[date, dict[str, float]] = {}
    present = {ours: theirs for theirs, ours in counts.items() if theirs in frame}
    for ours, theirs in present.items():
        for place, day in enumerate(frame[theirs]):
            if not isinstance(day, date):
                continue
            row = months.setdefault(month_of(day), dict.fromkeys(present, 0.0))
            row[ours] += 1
            if ours == "won" and "value" in frame:
                worth = frame["value"].iloc[place]
                row["won_value"] = row.get("won_value", 0.0) + (worth if worth == worth else 0.0)
    if not months:
        reading.faults.append(Message("has no days on which its deals were created, won or lost"))
        return
    rows = [{"month": month, **row} for month, row in sorted(months.items())]
    made = pd.DataFrame(rows)
    made["month"] = made["month"].astype(object)
    made["_row"], made["_currency"] = 0, frame["_currency"].iloc[0]
    reading.frame = made


Contract = tuple[str, date, date | None, float]
"""A customer, the first and the last day, the revenue of a month."""


def _contracts(reading: Reading) -> list[Contract]:
    """The subscriptions of a file; none, and a fault, where one is paid by something odd."""
    if not {"ended", "canceled"} & {*reading.frame}:
        reading.faults.append(NO_ENDS)
        return []
    frame = reading.frame = _without_trials(reading)
    intervals = {"month": 1.0, "monthly": 1.0, "year": 12.0, "yearly": 12.0, "annual": 12.0,
                 "quarter": 3.0}  # fmt: skip
    contracts = []
    odd: dict[str, int] = {}
    longer = 0
    for place in range(len(frame)):
        row = frame.iloc[place]
        interval = str(row.get("interval") or "month").strip().casefold()
        if interval not in intervals:
            odd.setdefault(interval, int(row["_row"]))
            continue
        number = (
            row["quantity"] if "quantity" in frame and row["quantity"] == row["quantity"] else 1
        )
        trial = row.get("trial_end")
        start = trial if isinstance(trial, date) and trial > row["started"] else row["started"]
        end = row.get("ended")
        if not isinstance(end, date) and str(row.get("status")).strip().casefold() in GONE:
            end = row.get("canceled")  # of others it is the day on which somebody asked for the end
            if not isinstance(end, date):
                reading.faults.append(Message(WITHOUT_END, row=int(row["_row"])))
        months = _paid_at_once(row, intervals[interval])
        longer += months > intervals[interval]
        contracts.append(
            (row["customer"], start, end if isinstance(end, date) else None,
             row["amount"] * number / months)
        )  # fmt: skip
    if contracts and not any(end for *_, end, _ in contracts):
        reading.left.append(NOBODY_LEFT)
    _tell_terms(reading, longer)
    match = reading.match
    name = match.headers[match.places["interval"]] if "interval" in match.places else "interval"
    reading.faults += [
        Message(
            'row {row}, column "{name}": paid by the {interval}: only months,'
            " quarters and years make a monthly revenue: choose those that do, as"
            ' in --where "{name}=month" --where "{name}=year"',
            row=row,
            name=name,
            interval=interval,
        )
        for interval, row in odd.items()
    ]
    if not contracts and not odd:
        reading.faults.append(Message("has no subscriptions that are paid for: all are in trial"))
    return [] if odd else contracts


MONTH = 365.2425 / 12  # days


def _paid_at_once(row: Any, months: float) -> float:
    """The months that an amount is of: some are paid for several of their intervals at once.

    The file says it by the period that is paid for; a trial is none, and a first one may be short.
    """
    start, end = row.get("period_start"), row.get("period_end")
    if not (isinstance(start, date) and isinstance(end, date)) or end == row.get("trial_end"):
        return months
    lasts = (end - start).days / MONTH
    whole = round(lasts)
    return whole if abs(lasts - whole) < 0.15 and whole > months and whole % months == 0 else months


def _tell_terms(reading: Reading, longer: int) -> None:
    """Tell of what is paid for several intervals at once, and of coupons."""
    frame = reading.frame
    if longer:
        text = "{subscriptions} paid for several intervals at once, as the current period tells"
        reading.left.append(Message(text, subscriptions=Counted(longer, "subscriptions")))
    if "coupon" in frame and (number := int(frame["coupon"].notna().sum())):
        text = "{subscriptions} with a coupon, whose amounts are before what it takes off"
        reading.left.append(Message(text, subscriptions=Counted(number, "subscriptions")))


def _without_trials(reading: Reading) -> Any:
    """The subscriptions that are paid for: one in trial counts if its trial ended within the file.

    Nobody pays in a trial, and whether one leads to a paid subscription is not known before.
    """
    frame = reading.frame
    if "status" not in frame:
        return frame
    last = max(_days_known(frame), default=date.max)
    ends = frame["trial_end"] if "trial_end" in frame else [None] * len(frame)
    trials = [
        str(status).strip().casefold() in ("trialing", "in_trial", "trial")
        and not (isinstance(end, date) and end <= last)
        for status, end in zip(frame["status"], ends, strict=True)
    ]
    if number := sum(trials):
        subscriptions = Counted(number, "subscriptions")
        reading.left.append(Message("{subscriptions} in trial", subscriptions=subscriptions))
    return frame[[not one for one in trials]]


def _days_known(frame: Any) -> list[date]:
    """The days of a file on which something was: starts and ends, no trial that may end yet."""
    names = ("started", "ended", "canceled", "period_start", "created")
    found = (day for name in names if name in frame for day in frame[name])
    return [day for day in found if isinstance(day, date)]


def _months_of(reading: Reading, contracts: Sequence[Contract]) -> list[date]:
    """The months from the first start to the last day that the file knows."""
    frame = reading.frame
    last, month = (
        month_of(max(_days_known(frame))),
        month_of(min(start for _, start, _, _ in contracts)),
    )
    months = []
    while month <= last:
        months.append(month)
        month = next_month(month)
    return months


def _tell_brief(reading: Reading, contracts: Sequence[Contract]) -> None:
    brief = sum(
        end is not None and month_of(start) == month_of(end) for _, start, end, _ in contracts
    )
    if brief:
        text = "{subscriptions} begun and ended within a month"
        reading.left.append(Message(text, subscriptions=Counted(brief, "subscriptions")))


def _subscriptions(reading: Reading) -> None:
    """Movements by month from the starts, ends and amounts of subscriptions.

    A customer's revenue on the first day of a month and on the first day of the next one are
    compared: new, more, less, or gone. The months end with the last day that the file knows.
    """
    import pandas as pd

    contracts = _contracts(reading)
    if not contracts:
        return
    rows: list[dict[str, Any]] = []
    for month in _months_of(reading, contracts):
        before, after = _revenue(contracts, month), _revenue(contracts, next_month(month))
        gone = [c for c in before if c not in after]
        new = [c for c in after if c not in before]
        change = {c: after[c] - before[c] for c in before if c in after}
        rows.append({
            "month": month, "customers_start": float(len(before)),
            "customers_new": float(len(new)), "customers_lost": float(len(gone)),
            "mrr_start": sum(before.values()), "mrr_new": sum(after[c] for c in new),
            "expansion": sum(d for d in change.values() if d > 0),
            "contraction": -sum(d for d in change.values() if d < 0),
            "churned": sum(before[c] for c in gone),
        })  # fmt: skip
    _tell_brief(reading, contracts)
    reading.left.append(Message("customers and revenue are compared on the first days of months"))
    made = pd.DataFrame(rows)
    made["_row"], made["_currency"] = 0, reading.frame["_currency"].iloc[0]
    reading.frame = made


def _subscribers(reading: Reading) -> None:
    """What each customer pays in each month, from the starts, ends and amounts of subscriptions.

    It is the revenue on the first day of the next month, as in the movements.
    """
    import pandas as pd

    contracts = _contracts(reading)
    if not contracts:
        return
    made = pd.DataFrame(
        [(customer, month, amount)
         for month in _months_of(reading, contracts)
         for customer, amount in _revenue(contracts, next_month(month)).items()],
        columns=["customer", "month", "amount"],
    )  # fmt: skip
    _tell_brief(reading, contracts)
    reading.left.append(Message("revenue is that on the first day of the next month"))
    made["_row"], made["_currency"] = 0, reading.frame["_currency"].iloc[0]
    reading.frame = made


def _revenue(
    contracts: Sequence[tuple[str, date, date | None, float]], day: date
) -> dict[str, float]:
    """The monthly revenue of each customer on the morning of a day."""
    revenue: dict[str, float] = {}
    for customer, start, end, amount in contracts:
        if start < day and (end is None or end >= day):
            revenue[customer] = revenue.get(customer, 0.0) + amount
    return revenue


CONVERTERS: dict[tuple[str, str], Callable[[Reading], None]] = {
    ("Ads", "Spend"): _spend,
    ("Ads", "Months"): _ad_months,
    ("Orders", "Months"): _order_months,
    ("Leads", "Weeks"): _deal_weeks,
    ("Leads", "Months"): _lead_months,
    ("Contracts", "Subscriptions"): _subscriptions,
    ("Contracts", "Subscribers"): _subscribers,
}

UNITS: dict[str, Unit] = {column.name: column.unit for some in COLUMNS.values() for column in some}
