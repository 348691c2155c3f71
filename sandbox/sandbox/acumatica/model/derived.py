"""Fields that only newer endpoints have, worked out from what the company keeps."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

from sandbox.acumatica.model.values import MODIFIED, Fields

Source: TypeAlias = Callable[[Fields, str], Any]
"""Finds a value that is not kept under a field's name: in the fields, and by what tells
the record, linked entity or line from all others."""

USER_ID = "b5344897-037e-4d58-b5c3-1bdfd0f47bf9"
"""The user who entered everything."""


def building_number(address: Fields, _origin: str) -> str | None:
    """The number at the start of the first line."""
    found = re.match(r"\d+", address.get("AddressLine1") or "")
    return found[0] if found else None


def street_name(address: Fields, _origin: str) -> str | None:
    """The first line without the number."""
    line = re.sub(r"^\d+ ", "", address.get("AddressLine1") or "")
    return line or None


def unit_number(address: Fields, _origin: str) -> str | None:
    """The number of a suite."""
    found = re.search(r"\d+$", address.get("AddressLine2") or "")
    return found[0] if found else None


def retainage_documents(bill: Fields, _origin: str) -> list[Fields]:
    """The retainage of a large bill: a tenth of it is due later."""
    amount = bill.get("Amount") or Decimal(0)
    if bill.get("Type") != "Bill" or amount < LARGE:
        return []
    retained = (amount / 10).quantize(Decimal("0.01"))
    return [
        {
            "Amount": retained,
            "Balance": retained,
            "Date": bill.get("DueDate"),
            "Description": "Retainage",
            "PostPeriod": bill.get("PostPeriod"),
            "ReferenceNbr": f"{bill['ReferenceNbr']}R",
            "Status": "Open",
            "Type": "Bill",
            "VendorRef": bill.get("VendorRef"),
        }
    ]


LARGE = Decimal(100_000)
"""From this amount on a part of a bill is retained."""

ADDRESS: dict[str, Source] = {
    "BuildingNumber": building_number,
    "StreetName": street_name,
    "UnitNumber": unit_number,
}

DERIVED: dict[str, dict[str, Source]] = {
    "Address": ADDRESS,
    "SalesInvoiceAddress": ADDRESS,
    "Bill": {"RetainageDocuments": retainage_documents},
    "Contact": {
        "CreatedByID": lambda _contact, _origin: USER_ID,
        "CreatedDateTime": lambda contact, _origin: contact.get(MODIFIED),
        "LastModifiedByID": lambda _contact, _origin: USER_ID,
        "OverrideSalesTerritory": lambda _contact, _origin: False,
    },
    "Customer": {"LegalName": lambda customer, _origin: customer.get("CustomerName")},
}
"""By entity and field; Default/24.200.001 has none of them."""
