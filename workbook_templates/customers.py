"""Who bought, in templates with a table Orders: e-mail addresses in capitals are one customer.

One cell knows whether there is anything to merge, so that all other orders are as quick as ever.
"""

from kpi_xl.units import TEXT

from .parts import Problem, Setting
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
