"""The codes behind drop-down lists, which contract version 5 sends as their ids.

The company keeps what people see in a list ("Open"); up to contract version 4 that is
all that is sent. The codes are those of Acumatica's data classes as far as they are
known here. A list of which no code is known has its descriptions as codes.
"""

from __future__ import annotations

import re

STATUSES = {
    "Active": "A",
    "Balanced": "B",
    "Canceled": "L",
    "Closed": "C",
    "Inactive": "I",
    "On Hold": "H",
    "Open": "N",
    "Pending Approval": "E",
    "Pending Printing": "P",
    "Posted": "P",
    "Rejected": "R",
    "Unposted": "U",
    "Voided": "V",
}
PAYABLES = {
    "Bill": "INV",
    "Credit Adj.": "ACR",
    "Debit Adj.": "ADR",
    "Payment": "CHK",
    "Prepayment": "PPM",
    "Refund": "REF",
    "Voided Payment": "VCK",
}
RECEIVABLES = {
    "Credit Memo": "CRM",
    "Debit Memo": "DRM",
    "Invoice": "INV",
    "Overdue Charge": "FCH",
    "Payment": "PMT",
    "Prepayment": "PPM",
}
ORDERS = {"Blanket": "BL", "Drop-Ship": "DP", "Normal": "RO", "Standard": "SB"}

LISTS: dict[str, dict[str, str]] = {
    "Status": STATUSES,
    "PurchaseOrder.Status": STATUSES | {"Completed": "M", "Pending Approval": "B"},
    "JournalTransaction.Status": STATUSES | {"Completed": "C"},
    "Ledger.Type": {"Actual": "A", "Budget": "B", "Reporting": "R", "Statistical": "S"},
    "Account.PostOption": {"Detail": "D", "Summary": "S"},
    "Bill.Type": PAYABLES,
    "Check.Type": PAYABLES,
    "CheckDetail.DocType": PAYABLES,
    "CheckHistoryDetail.DocType": PAYABLES,
    "BillRetainageDocument.Type": PAYABLES,
    "Type": RECEIVABLES,
    "DocType": RECEIVABLES,
    "InventoryDocType": {"Issue": "I", "Receipt": "R"},
    "LCType": ORDERS,
    "POOrderType": ORDERS,
    "OrigPOType": ORDERS,
    "PurchaseOrder.Type": ORDERS,
    "POReceiptType": {"Receipt": "RT", "Return": "RN"},
    "LineType": {"Goods for IN": "GI", "Non-Stock": "NS", "Service": "SV"},
    "ShipmentType": {"Shipment": "I", "Transfer": "T"},
    "ShippingDestinationType": {"Branch": "L", "Customer": "C", "Vendor": "V"},
    "MaritalStatus": {"Married": "M", "Single": "S"},
}
"""Descriptions and codes, by ``Entity.Field`` or, for all other entities, ``Field``."""


def code(entity: str, field: str, description: str) -> str:
    """The code of an entry of a list."""
    codes = LISTS.get(f"{entity}.{field}") or LISTS.get(field, {})
    return codes.get(description, description)


def minutes(description: str) -> int:
    """The number behind a span of time, such as 90 behind ``01 h 30 m``.

    The only lists with whole numbers for ids in this company are such spans.

    Raises:
        ValueError: There is no number in the description.
    """
    numbers = [int(text) for text in re.findall(r"\d+", description)]
    if not numbers:
        raise ValueError(f"{description!r} is no span of time")
    total = 0
    for number in numbers[:2]:
        total = total * 60 + number
    return total
