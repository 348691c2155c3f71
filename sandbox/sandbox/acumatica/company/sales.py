"""Sales invoices, the AR invoices that they become, and invoices for services."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.acumatica.company import vocabulary
from sandbox.acumatica.company.ledger import FREIGHT_INCOME
from sandbox.acumatica.company.parties import TERMS
from sandbox.acumatica.company.purchasing import tax_lines, tax_of
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

UNUSED_TOTALS = (
    "CashDiscount",
    "DiscountTotal",
    "PaymentTotal",
    "VATExemptTotal",
    "VATTaxableTotal",
)
"""Totals of a sales invoice that are zero when it is written."""


def sales_line(
    maker: Maker, number: int, digits: int, sign: int, accounts: Sequence[str]
) -> Fields:
    """A line of a sales invoice."""
    item, description = maker.pick(vocabulary.ITEM_KINDS)
    quantity = maker.money(1, 100)
    price = maker.money(2, 700, 4)
    return {
        "Account": maker.pick(accounts),
        "Amount": rounded(quantity * price, digits) * sign,
        "BranchID": "MAIN",
        "Description": description,
        "DiscountAmount": zero(digits),
        "DiscountPercent": Decimal("0.000000"),
        "InventoryID": f"{item}-{maker.number(1, 20):03d}",
        "LineNbr": number,
        "LotSerialNbr": maker.maybe(0.1, f"LOT{maker.number(1, 9999):04d}"),
        "ManualDiscount": False,
        "ManualPrice": maker.chance(0.2),
        "NoteID": maker.guid(),
        "OrderLineNbr": number,
        "OrderNbr": f"SO{maker.number(1, 9999):06d}",
        "OrderType": "SO",
        "Qty": quantity,
        "SubAccount": "000-000",
        "TransactionDescr": description,
        "UOM": maker.pick(vocabulary.UNITS),
        "UnitPrice": price * sign,
        "WarehouseID": "MAIN",
    }


def freight_lines(maker: Maker, digits: int) -> list[Fields]:
    """What a delivery costs, for one invoice in five."""
    if maker.chance(0.8):
        return []
    price = maker.money(5, 300, digits)
    return [
        {
            "Description": "Freight",
            "FreightAmount": price,
            "FreightCost": rounded(price / 2, digits),
            "LineTotal": price,
            "PremiumFreightAmount": zero(digits),
            "ShipmentNbr": f"SH{maker.number(1, 9999):06d}",
            "ShipmentType": "Shipment",
            "TotalFreightAmount": price,
            "Volume": Decimal("0.000000"),
            "Weight": maker.money(1, 50, 6),
        }
    ]


def bill_to(customer: Record) -> Fields:
    """The contact that an invoice goes to."""
    contact = customer.fields["BillingContact"]
    return {
        "Attention": contact["Attention"],
        "BusinessName": contact["CompanyName"],
        "Email": contact["Email"],
        "Phone1": contact["Phone1"],
    }


def bill_address(customer: Record) -> Fields:
    """The address that an invoice goes to."""
    found = customer.fields["BillingContact"]["Address"]
    return {name: value for name, value in found.items() if name != "Validated"}


def sales_invoice(  # noqa: PLR0913 - what an invoice needs, all by name
    maker: Maker,
    *,
    number: int,
    customer: Record,
    day: date,
    accounts: Sequence[str],
    modified: str,
) -> Record:
    """A sales invoice, or a credit memo with negative amounts."""
    digits = maker.digits()
    credit = maker.chance(0.06)
    count, sign = maker.number(1, 6), -1 if credit else 1
    terms = customer.fields["Terms"]
    fields: Fields = {
        "ApplicationsCreditMemo": [],
        "ApplicationsInvoice": [],
        "CreditHold": False,
        "CreatedDate": clock.stamp(clock.midnight(day)),
        "Currency": customer.fields["CurrencyID"],
        "CustomerID": customer.fields["CustomerID"].rstrip(),
        "CustomerOrder": maker.maybe(0.5, f"0{maker.number(1, 999_999)}"),
        "Date": clock.business_date(day),
        "Description": maker.memo(),
        "Details": [
            sales_line(maker, n, digits, sign, accounts) for n in range(1, count + 1)
        ],
        "DiscountDetails": [],
        "DueDate": clock.business_date(day + timedelta(days=TERMS[terms])),
        "ExternalRef": maker.maybe(0.2, f"WEB-{maker.number(1, 99_999)}"),
        "FreightDetails": [] if credit else freight_lines(maker, digits),
        "Hold": False,
        "IsTaxValid": True,
        MODIFIED: modified,
        "LastModifiedDate": modified,
        "Project": "X",
        "ReferenceNbr": f"INV{number:06d}",
        "Status": "Open",
        "TaxCalcMode": "Tax Settings",
        "Type": "Credit Memo" if credit else "Invoice",
    }
    fields |= linked_parts(maker, customer, number)
    fields |= dict.fromkeys(UNUSED_TOTALS, zero(digits))
    retotal_sale(fields, taxed=maker.chance(0.6))
    return Record(maker.guid(), fields, maker.memo() or "")


def linked_parts(maker: Maker, customer: Record, number: int) -> Fields:
    """The linked entities of a sales invoice."""
    party, place = bill_to(customer), bill_address(customer)
    return {
        "BillToAddress": place,
        "BillToAddressOverride": False,
        "BillToContact": party,
        "BillToContactOverride": False,
        "BillingSettings": {
            "BillToAddress": place | {"Validated": maker.chance(0.5)},
            "BillToAddressOverride": False,
            "BillToContact": party,
            "BillToContactOverride": False,
            "CustomerLocation": "MAIN",
        },
        "Commissions": {
            "CommissionAmount": Decimal("0.00"),
            "SalesPersons": [],
            "TotalCommissionableAmount": Decimal("0.00"),
        },
        "FinancialDetails": {
            "BatchNbr": f"AR{number:06d}",
            "Branch": "MAIN",
            "CustomerTaxZone": customer.fields["TaxZone"],
        },
        "ShipToAddress": place,
        "ShipToAddressOverride": False,
        "ShipToContact": party,
        "ShipToContactOverride": False,
    }


def retotal_sale(fields: Fields, *, taxed: bool) -> None:
    """Set an unpaid sales invoice's totals to what its lines add up to."""
    digits = decimals(fields["Details"][0]["Amount"])
    net = total(fields["Details"], "Amount", digits)
    freight = total(fields["FreightDetails"], "TotalFreightAmount", digits)
    tax = tax_of(net, digits) if taxed else zero(digits)
    shown = ("TaxID", "TaxAmount", "TaxableAmount")
    fields["TaxDetails"] = [
        {name: line[name] for name in shown} for line in tax_lines(net, tax)
    ]
    fields |= {"DetailTotal": net, "FreightPrice": freight, "TaxTotal": tax}
    fields["Amount"] = fields["Balance"] = net + freight + tax


def invoice_line(line: Fields, modified: str) -> Fields:
    """A line of the AR invoice for a line of the sales invoice."""
    return {
        "Account": line["Account"],
        "Amount": line["Amount"],
        "Branch": line["BranchID"],
        "DiscountAmount": line["DiscountAmount"],
        "ExtendedPrice": line["Amount"],
        "InventoryID": line["InventoryID"],
        MODIFIED: modified,
        "LineNbr": line["LineNbr"],
        "Qty": line["Qty"],
        "Subaccount": line["SubAccount"],
        "TransactionDescription": line["TransactionDescr"],
        "UOM": line["UOM"],
        "UnitPrice": line["UnitPrice"],
    }


def service_line(
    maker: Maker, number: int, amount: Decimal, account: str, modified: str
) -> Fields:
    """A line of an AR invoice that has no goods behind it."""
    return {
        "Account": account,
        "Amount": amount,
        "Branch": "MAIN",
        "DiscountAmount": zero(decimals(amount)),
        "ExtendedPrice": amount,
        MODIFIED: modified,
        "LineNbr": number,
        "Qty": Decimal("1.00"),
        "Subaccount": "000-000",
        "TransactionDescription": maker.pick(vocabulary.SERVICES),
        "UnitPrice": amount,
    }


def invoice_of(maker: Maker, sale: Record, customer: Record, modified: str) -> Record:
    """The AR invoice of a sales invoice: same type, number, lines and amount."""
    sold = sale.fields
    lines = [invoice_line(line, modified) for line in sold["Details"]]
    for freight in sold["FreightDetails"]:
        price, number = freight["TotalFreightAmount"], len(lines) + 1
        lines.append(service_line(maker, number, price, FREIGHT_INCOME, modified))
    fields = invoice_fields(maker, customer, clock.date_of(sold["Date"]), modified)
    same = ("Type", "ReferenceNbr", "Amount", "TaxTotal", "Balance", "Status")
    fields |= {name: sold[name] for name in (*same, "CustomerOrder", "Description")}
    fields["Details"] = lines
    fields["TaxDetails"] = tax_lines(sold["DetailTotal"], sold["TaxTotal"])
    return Record(maker.guid(), fields)


def service_invoice(  # noqa: PLR0913 - what an invoice needs, all by name
    maker: Maker,
    *,
    number: int,
    customer: Record,
    day: date,
    accounts: Sequence[str],
    modified: str,
) -> Record:
    """An AR invoice for services."""
    digits = maker.digits()
    lines = [
        service_line(
            maker, n, maker.money(50, 9_000, digits), maker.pick(accounts), modified
        )
        for n in range(1, maker.number(1, 4) + 1)
    ]
    net = total(lines, "Amount", digits)
    tax = tax_of(net, digits)
    fields = invoice_fields(maker, customer, day, modified)
    fields |= {"Type": "Invoice", "ReferenceNbr": f"AR{number:06d}", "Status": "Open"}
    fields |= {"Amount": net + tax, "Balance": net + tax, "TaxTotal": tax}
    fields |= {"Details": lines, "TaxDetails": tax_lines(net, tax)}
    return Record(maker.guid(), fields, maker.memo() or "")


def invoice_fields(maker: Maker, customer: Record, day: date, modified: str) -> Fields:
    """What all AR invoices have in common."""
    terms = customer.fields["Terms"]
    return {
        "ApplicationsCreditMemo": [],
        "ApplicationsDefault": [],
        "BillToContact": bill_to(customer),
        "BillToContactOverride": False,
        "BillingPrinted": maker.chance(0.5),
        "CreatedDateTime": clock.stamp(clock.midnight(day)),
        "Customer": customer.fields["CustomerID"].rstrip(),
        "Date": clock.business_date(day),
        "Description": maker.memo(),
        "DiscountDetails": [],
        "DueDate": clock.business_date(day + timedelta(days=TERMS[terms])),
        "Hold": False,
        "IsTaxValid": True,
        MODIFIED: modified,
        "LinkARAccount": "11000",
        "LinkBranch": "MAIN",
        "LocationID": "MAIN",
        "PostPeriod": period(day),
        "Project": "X",
        "ShipToContact": maker.maybe(0.8, bill_to(customer)),
        "ShipToContactOverride": False,
        "Terms": terms,
    }


def collect(invoice: Record, day: date, modified: str, reference: str) -> None:
    """A customer has paid an AR invoice in full."""
    fields = invoice.fields
    application = {
        "AmountPaid": fields["Balance"],
        "Balance": Decimal("0.00"),
        "CashDiscountTaken": Decimal("0.00"),
        "DocType": "Payment",
        "PaymentDate": clock.business_date(day),
        "ReferenceNbr": reference,
        "Status": "Closed",
    }
    fields["ApplicationsDefault"] = [*fields["ApplicationsDefault"], application]
    close(fields, modified)


def collect_sale(sale: Record, day: date, modified: str, reference: str) -> None:
    """The same as the sales invoice shows it."""
    fields = sale.fields
    application = {
        "AdjustedDocReferenceNbr": fields["ReferenceNbr"],
        "AdjustingDocReferenceNbr": reference,
        "AdjustmentNbr": 0,
        "AmountPaid": fields["Balance"],
        "Balance": Decimal("0.00"),
        "CashDiscountTaken": Decimal("0.00"),
        "Currency": fields["Currency"],
        "Customer": fields["CustomerID"],
        "DocType": "Payment",
        "PaymentDate": clock.business_date(day),
        "PaymentPeriod": period(day),
        "Status": "Closed",
    }
    fields["ApplicationsInvoice"] = [*fields["ApplicationsInvoice"], application]
    fields |= {"PaymentTotal": fields["Balance"], "LastModifiedDate": modified}
    close(fields, modified)


def close(fields: Fields, modified: str) -> None:
    """Nothing is left to pay."""
    nothing = zero(decimals(fields["Balance"]))
    fields |= {"Balance": nothing, "Status": "Closed", MODIFIED: modified}
