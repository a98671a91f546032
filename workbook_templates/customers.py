"""Who bought, in templates with a table Orders: e-mail addresses in capitals are one customer.

One cell knows whether there is anything to merge, so that all other orders are as quick as ever.
"""

from kpi_xl.schema.retention import ORDERS
from kpi_xl.units import TEXT

from .checking import where
from .records import Problem, Setting
from .writing import Page

WRITTEN = 'IF(Orders[customer]="","",Orders[customer])'
EVERY_CUSTOMER = f"IF(AddressesMerged=0,{WRITTEN},CUSTOMER_KEYS(Orders[customer]))"
"""Who bought, row by row; by the setting, capitals make no second customer of an e-mail address."""

ADDRESSES = Setting(
    "Addresses",
    "E-mail addresses",
    "Merged",
    TEXT,
    "Merged: capitals do not count",
    ("Merged", "As written"),
    codes=("merged", "as written"),
)

APART = Problem(
    "E-mail addresses that differ in capitals alone",
    "=AddressesApart",
    "",
    "Each is one customer, or several: the setting on the sheet {Summary} says which.",
)

HEADER_ROW = "ROW(Orders[[#Headers],[date]])"
FARTHEST_DAY = (
    f"={HEADER_ROW}+MATCH(IF(MAX(Orders[date])-MEDIAN(Orders[date])>"
    "MEDIAN(Orders[date])-MIN(Orders[date]),MAX(Orders[date]),MIN(Orders[date])),Orders[date],0)"
)
"""The sheet row of the order that is farthest from the middle of all."""


def first_gap(column: str, other: str) -> str:
    """The formula for the sheet row of the first order that lacks one thing and has another."""
    return where(ORDERS, f'(Orders[{column}]="")*(Orders[{other}]<>"")')[1]


def lacking(label: str, column: str, other: str, advice: str) -> Problem:
    """The problem that orders lack one thing and have another; fast also over a million of them."""
    count = f'=COUNTIFS(Orders[{column}],"",Orders[{other}],"<>")'
    return Problem(label, count, first_gap(column, other), advice)


NOT_KNOWN = (
    lacking("Orders without a customer", "customer", "date",
            "Name the customer, or delete the row: until then the tables show an error."),
    APART,
    lacking("Orders without a date", "date", "customer",
            "Give the day of the order, or delete the row."),
)  # fmt: skip
NO_AMOUNT = lacking("Orders without an amount", "amount", "date", "They count as 0.")

# What an order's status says when it did not come to pass, or was taken back whole.
UNDONE = ("cancelled", "canceled", "voided", "refunded", "failed", "pending", "expired")
UNDONE_ORDERS = Problem(
    "Orders that were cancelled, voided or wholly refunded",
    "=" + "+".join(f'COUNTIFS(Orders[status],"{word}",Orders[amount],">0")' for word in UNDONE),
    "",
    "They count all the same: delete them, or make their amount what the shop kept.",
)


def addresses(page: Page, row: int, column: int) -> None:
    """How many e-mail addresses differ from others in capitals alone; whether they are merged.

    The first cell is to the right of the second.
    """
    once = 'IF(Orders[customer]="","",1)'
    customers, merged = (
        f"ROWS(RFM({who},{once},{once}))" for who in (WRITTEN, "CUSTOMER_KEYS(Orders[customer])")
    )
    none = 'COUNTIF(Orders[customer],"*@*")=0'
    for name, place, formula in (
        ("AddressesApart", column + 1, f"=IF({none},0,{customers}-{merged})"),
        ("AddressesMerged", column, '=IF(AddressesCode="merged",(AddressesApart>0)*1,0)'),
    ):
        page.put_array(row, place, formula, page.styles.lead())
        page.define(name, row, place)
