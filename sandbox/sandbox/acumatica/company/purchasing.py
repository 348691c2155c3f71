"""Purchase orders, and the bills for them and for services."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.acumatica.company import vocabulary
from sandbox.acumatica.company.ledger import CASH
from sandbox.acumatica.company.parties import TERMS
from sandbox.acumatica.company.randomness import (
    Maker,
    decimals,
    period,
    rounded,
    total,
    zero,
)
from sandbox.acumatica.model import clock
from sandbox.acumatica.model.values import MODIFIED, Fields, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

TAX_RATE = Decimal("8.250000")
"""Percent."""


def tax_of(amount: Decimal, digits: int) -> Decimal:
    """The tax on an amount, in the document's decimals."""
    return rounded(amount * TAX_RATE / 100, digits)


def tax_lines(taxable: Decimal, tax: Decimal) -> list[Fields]:
    """The tax tab of a document; none without tax."""
    if not tax:
        return []
    return [
        {
            "TaxAmount": tax,
            "TaxID": "NYSTATE",
            "TaxRate": TAX_RATE,
            "TaxableAmount": taxable,
        }
    ]


def order_line(
    maker: Maker, number: int, digits: int, accounts: Sequence[str]
) -> Fields:
    """A line of a purchase order."""
    item, description = maker.pick(vocabulary.ITEM_KINDS)
    quantity = maker.money(1, 200)
    unit_cost = maker.money(1, 400, 4)
    return {
        "Account": maker.pick(accounts),
        "BranchID": "MAIN",
        "Cancelled": False,
        "CompleteOn": Decimal("100.00"),
        "Completed": False,
        "Description": description,
        "ExtendedCost": rounded(quantity * unit_cost, digits),
        "InventoryID": f"{item}-{maker.number(1, 20):03d}",
        "LineDescription": description,
        "LineNbr": number,
        "LineType": "Goods for IN",
        "MaxReceiptPercent": Decimal("100.00"),
        "MinReceiptPercent": Decimal("0.00"),
        "OrderQty": quantity,
        "OrderedQty": Decimal("0.00"),
        "QtyOnReceipts": Decimal("0.00"),
        "ReceivedAmount": zero(digits),
        "Subaccount": "000-000",
        "TaxCategory": maker.maybe(0.5, "TAXABLE"),
        "UOM": maker.pick(vocabulary.UNITS),
        "UnitCost": unit_cost,
        "WarehouseID": maker.maybe(0.8, "MAIN"),
    }


def ship_to(maker: Maker) -> Fields:
    """Where an order is to be delivered."""
    return {
        "ShipTo": "Branch",
        "ShipToAddress": {
            "AddressLine1": "1 Depot Ave",
            "City": "Albany",
            "Country": "US",
            "PostalCode": "12207",
            "State": "NY",
            "Validated": True,
        },
        "ShipToAddressOverride": False,
        "ShipToContact": {"BusinessName": "Main warehouse", "Phone1": "+1 555 0100"},
        "ShipToContactOverride": False,
        "ShippingDestinationType": "Branch",
        "Warehouse": maker.maybe(0.5, "MAIN"),
    }


def purchase_order(  # noqa: PLR0913 - what an order needs, all by name
    maker: Maker,
    *,
    number: int,
    vendor: Record,
    day: date,
    accounts: Sequence[str],
    modified: str,
) -> Record:
    """A purchase order."""
    digits = maker.digits()
    count = maker.number(1, 6)
    lines = [order_line(maker, n, digits, accounts) for n in range(1, count + 1)]
    key = {
        "Type": maker.pick(("Normal",) * 8 + ("Drop-Ship", "Blanket")),
        "OrderNbr": f"PO{number:06d}",
    }
    promised = clock.business_date(day + timedelta(days=maker.number(5, 60)))
    for line in lines:
        line |= {"OrderType": key["Type"], "OrderNbr": key["OrderNbr"]}
        line |= {"Requested": clock.business_date(day), "Promised": promised}
    fields: Fields = key | {
        "Branch": "MAIN",
        "Date": clock.business_date(day),
        "Description": maker.memo(),
        "Details": lines,
        "Hold": False,
        "IsTaxValid": True,
        MODIFIED: modified,
        "Location": "MAIN",
        "Owner": maker.maybe(0.5, maker.pick(vocabulary.LAST_NAMES)),
        "Project": "X",
        "PromisedOn": promised,
        "ShippingInstructions": ship_to(maker),
        "Status": maker.pick(("Open", "Open", "Pending Approval", "On Hold")),
        "Terms": vendor.fields["Terms"],
        "VendorID": vendor.fields["VendorID"],
        "VendorRef": maker.maybe(0.5, f"Q-{maker.number(1, 99_999):05d}"),
        "VendorTaxZone": vendor.fields["TaxZone"],
    }
    fields["Hold"] = fields["Status"] == "On Hold"
    fields |= currency(vendor.fields["CurrencyID"], day)
    retotal_order(fields, taxed=maker.chance(0.4))
    return Record(maker.guid(), fields, maker.memo() or "")


def currency(code: str, day: date) -> Fields:
    """An order's currency and rate."""
    return {
        "BaseCurrencyID": "USD",
        "CurrencyEffectiveDate": clock.business_date(day),
        "CurrencyID": code,
        "CurrencyRate": Decimal("1.00000000"),
        "CurrencyReciprocalRate": Decimal("1.00000000"),
    }


def retotal_order(fields: Fields, *, taxed: bool) -> None:
    """Set an order's totals to what its lines add up to."""
    lines = fields["Details"]
    digits = decimals(lines[0]["ExtendedCost"])
    net = total(lines, "ExtendedCost", digits)
    tax = tax_of(net, digits) if taxed else zero(digits)
    fields["LineTotal"] = net
    fields["TaxTotal"] = tax
    fields["TaxDetails"] = tax_lines(net, tax)
    fields["OrderTotal"] = fields["ControlTotal"] = net + tax


def receive(order: Record, modified: str) -> None:
    """Everything ordered has arrived."""
    for line in order.fields["Details"]:
        line["Completed"] = True
        line["QtyOnReceipts"] = line["OrderedQty"] = line["OrderQty"]
        line["ReceivedAmount"] = line["ExtendedCost"]
    order.fields |= {"Status": "Completed", "Hold": False, MODIFIED: modified}


def bill_line(
    maker: Maker, accounts: Sequence[str], amount: Decimal, description: str
) -> Fields:
    """A line of a bill that no order asked for."""
    return {
        "Account": maker.pick(accounts),
        "Amount": amount,
        "Branch": "MAIN",
        "Description": description,
        "ExtendedCost": amount,
        "NonBillable": maker.chance(0.1),
        "Project": "X",
        "Qty": Decimal("1.00"),
        "Subaccount": "000-000",
        "TransactionDescription": description,
        "UnitCost": amount,
    }


def expense_lines(maker: Maker, accounts: Sequence[str], sign: int) -> list[Fields]:
    """The lines of a bill for services; negative ones for an adjustment."""
    digits = maker.digits()
    return [
        bill_line(
            maker,
            accounts,
            maker.money(5, 9_000, digits) * sign,
            maker.pick(vocabulary.SERVICES),
        )
        for _ in range(maker.number(1, 5))
    ]


def ordered_lines(order: Record) -> list[Fields]:
    """The lines of a bill for what was ordered."""
    return [
        {
            "Account": line["Account"],
            "Amount": line["ExtendedCost"],
            "Branch": "MAIN",
            "Description": line["Description"],
            "ExtendedCost": line["ExtendedCost"],
            "InventoryID": line["InventoryID"],
            "NonBillable": False,
            "POLine": line["LineNbr"],
            "POOrderNbr": order.fields["OrderNbr"],
            "POOrderType": order.fields["Type"],
            "Project": "X",
            "Qty": line["OrderQty"],
            "Subaccount": line["Subaccount"],
            "TaxCategory": line["TaxCategory"],
            "TransactionDescription": line["LineDescription"],
            "UOM": line["UOM"],
            "UnitCost": line["UnitCost"],
        }
        for line in order.fields["Details"]
    ]


def bill(  # noqa: PLR0913 - what a bill needs, all by name
    maker: Maker,
    *,
    number: int,
    vendor: Record,
    day: date,
    lines: list[Fields],
    modified: str,
) -> Record:
    """A released bill, or an adjustment where the lines are negative."""
    debit = lines[0]["Amount"] < 0
    terms = vendor.fields["Terms"]
    fields: Fields = {
        "Applications": [],
        "ApprovedForPayment": maker.chance(0.8),
        "BranchID": "MAIN",
        "CashAccount": CASH,
        "CurrencyID": vendor.fields["CurrencyID"],
        "Date": clock.business_date(day),
        "Description": maker.memo(),
        "Details": lines,
        "DueDate": clock.business_date(day + timedelta(days=TERMS[terms])),
        "Hold": False,
        "IsTaxValid": True,
        MODIFIED: modified,
        "LocationID": "MAIN",
        "PostPeriod": period(day),
        "Project": "X",
        "ReferenceNbr": f"{number:06d}",
        "Status": "Open",
        "Terms": None if debit else terms,
        "Type": "Debit Adj." if debit else maker.pick(("Bill",) * 30 + ("Prepayment",)),
        "Vendor": vendor.fields["VendorID"].rstrip(),
        "VendorRef": maker.maybe(0.9, f"{maker.number(1, 99_999):07d}"),
    }
    retotal_bill(fields, taxed=maker.chance(0.5))
    return Record(maker.guid(), fields, maker.memo() or "")


def retotal_bill(fields: Fields, *, taxed: bool) -> None:
    """Set an unpaid bill's totals to what its lines add up to."""
    digits = decimals(fields["Details"][0]["Amount"])
    net = total(fields["Details"], "Amount", digits)
    tax = tax_of(net, digits) if taxed else zero(digits)
    fields["TaxTotal"] = tax
    fields["TaxDetails"] = tax_lines(net, tax)
    fields["Amount"] = fields["Balance"] = net + tax
