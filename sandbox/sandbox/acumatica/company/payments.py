"""Payments of bills: prepared first, and settling the bills once they are released."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.acumatica.company.ledger import CASH
from sandbox.acumatica.company.randomness import Maker, decimals, rounded, total, zero
from sandbox.acumatica.model import clock
from sandbox.acumatica.model.values import MODIFIED, Fields, Record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date


def payment(
    maker: Maker,
    *,
    number: int,
    bills: Sequence[Record],
    day: date,
    modified: str,
) -> Record:
    """A prepared payment of one vendor's open bills.

    One in twelve payments leaves half of its last bill open; one in forty is larger
    than the bills, and the rest stays unapplied.
    """
    rest = maker.money(1, 500) if maker.chance(1 / 40) else zero(2)
    half = maker.chance(1 / 12)
    lines = [planned_line(bill, half=half and bill is bills[-1]) for bill in bills]
    digits = max(decimals(line["AmountPaid"]) for line in lines)
    fields: Fields = {
        "ApplicationDate": clock.business_date(day),
        "CashAccount": CASH,
        "CurrencyID": bills[0].fields["CurrencyID"],
        "Description": maker.memo(),
        "Details": lines,
        "History": [],
        "Hold": False,
        MODIFIED: modified,
        "PaymentAmount": total(lines, "AmountPaid", digits) + rest,
        "PaymentMethod": maker.pick(("CHECK", "ACH", "WIRE")),
        "PaymentRef": f"{number + 100_000:08d}",
        "ReferenceNbr": f"{number:06d}",
        "Status": "Balanced",
        "Type": "Payment",
        "UnappliedBalance": rest,
        "Vendor": bills[0].fields["Vendor"],
    }
    return Record(maker.guid(), fields)


def planned_line(bill: Record, *, half: bool) -> Fields:
    """What a prepared payment will pay of a bill: its balance, or half of it."""
    balance = bill.fields["Balance"]
    digits = decimals(balance)
    paid = rounded(balance / 2, digits) if half else balance
    return {
        "AmountPaid": paid,
        "Balance": balance - paid,
        "CashDiscountBalance": zero(digits),
        "DocLineNbr": 0,
        "DocType": bill.fields["Type"],
        "ReferenceNbr": bill.fields["ReferenceNbr"],
    }


def release(payment: Record, bills: Sequence[Record], modified: str) -> None:
    """Settle the bills that a prepared payment names, in their order."""
    fields = payment.fields
    fields["Status"] = "Open" if fields["UnappliedBalance"] else "Closed"
    lines = zip(bills, fields["Details"], strict=True)
    fields["History"] = [settle(bill, line, fields, modified) for bill, line in lines]
    fields |= {"Details": [], MODIFIED: modified}


def settle(bill: Record, line: Fields, payment: Fields, modified: str) -> Fields:
    """Apply a payment to a bill.

    Returns:
        The line of the payment's history.
    """
    application = {
        "AmountPaid": line["AmountPaid"],
        "Balance": payment["UnappliedBalance"],
        "DocType": payment["Type"],
        "ReferenceNbr": payment["ReferenceNbr"],
        "Status": payment["Status"],
    }
    bill.fields |= {
        "Applications": [*bill.fields["Applications"], application],
        "Balance": line["Balance"],
        "Status": "Open" if line["Balance"] else "Closed",
        MODIFIED: modified,
    }
    history = {name: line[name] for name in line if name != "DocLineNbr"}
    return history | {
        "CashDiscountTaken": line["CashDiscountBalance"],
        "VendorRef": bill.fields["VendorRef"],
    }
