"""Vendors and customers, their contacts and addresses."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.acumatica.company import vocabulary
from sandbox.acumatica.model import clock
from sandbox.acumatica.model.values import MODIFIED, Fields, Record

if TYPE_CHECKING:
    from datetime import date

    from sandbox.acumatica.company.randomness import Maker

TERMS = {"NET15": 15, "NET30": 30, "NET45": 45, "NET60": 60, "DUE": 0}
"""Terms of payment and the days until a document is due."""

CURRENCIES = ("USD",) * 9 + ("EUR", "CAD")
KEY_WIDTH = 10
"""Business account ids fill this many characters, with spaces at the end."""


def company_name(maker: Maker, trades: tuple[str, ...], number: int) -> str:
    """A company's name; one in fifteen, at least, is from elsewhere in the world."""
    place = number * maker.part
    if place % 15 == 0:
        return vocabulary.WORLD_COMPANIES[place // 15 % len(vocabulary.WORLD_COMPANIES)]
    stem, trade = maker.pick(vocabulary.COMPANY_STEMS), maker.pick(trades)
    return f"{stem} {trade} {maker.pick(vocabulary.LEGAL_FORMS)}".strip()


def address(maker: Maker) -> Fields:
    """An address."""
    city, state, postal_code, country = maker.pick(vocabulary.CITIES)
    return {
        "AddressLine1": f"{maker.number(1, 9999)} {maker.pick(vocabulary.STREETS)}",
        "AddressLine2": maker.maybe(0.2, f"Suite {maker.number(100, 999)}"),
        "City": city,
        "Country": country,
        "PostalCode": postal_code,
        "State": state or None,
        "Validated": maker.chance(0.5),
    }


def contact(maker: Maker, company: str, day: date, modified: str) -> Fields:
    """A contact of a company: a person and an address."""
    first, last = maker.pick(vocabulary.FIRST_NAMES), maker.pick(vocabulary.LAST_NAMES)
    number = maker.number(100_000, 999_999)
    return {
        "Active": True,
        "Address": address(maker),
        "Attention": maker.maybe(0.2, f"{first} {last}"),
        "CompanyName": company,
        "ContactID": number,
        "ContactMethod": "Any",
        "DisplayName": f"{last}, {first}",
        "DoNotCall": maker.chance(0.1),
        "DoNotEmail": False,
        "DoNotFax": False,
        "DoNotMail": maker.chance(0.1),
        "DuplicateFound": False,
        "Email": maker.maybe(0.9, f"contact{number}@example.com"),
        "FirstName": first,
        "FullName": company,
        "JobTitle": maker.maybe(0.6, maker.pick(vocabulary.TITLES)),
        MODIFIED: modified,
        "LastName": last,
        "NoMarketing": False,
        "NoMassMail": maker.chance(0.2),
        "NoteID": maker.guid(),
        "Phone1": maker.maybe(0.9, f"+1 (555) {maker.number(100, 999)}-0100"),
        "Phone1Type": "Business 1",
        "QualificationDate": maker.maybe(0.1, clock.business_date(day)),
        "Status": "Active",
        "Synchronize": True,
        "Type": "Contact",
        "WebSite": maker.maybe(0.3, "https://www.example.com/?a=1&b=2"),
    }


def contact_lines(maker: Maker, company: str, day: date, modified: str) -> list[Fields]:
    """The contacts on a business account's tab."""
    people = [contact(maker, company, day, modified) for _ in range(maker.number(0, 2))]
    return [
        {"Contact": person, "ContactID": person["ContactID"], MODIFIED: modified}
        for person in people
    ]


def attributes(maker: Maker) -> list[Fields]:
    """What a company keeps beside the fields of a business account."""
    if maker.chance(0.6):
        return []
    industry = maker.pick(("Retail", "Services", "Industry"))
    return [
        {
            "AttributeDescription": "Industry",
            "AttributeID": "INDUSTRY",
            "IsActive": True,
            "RefNoteID": maker.guid(),
            "Required": False,
            "Value": industry[:3].upper(),
            "ValueDescription": industry,
        }
    ]


def payment_instructions(maker: Maker) -> list[Fields]:
    """How a business account is paid."""
    if maker.chance(0.5):
        return []
    return [
        {
            "Description": "Beneficiary Account No:",
            "LocationID": 1,
            "PaymentInstructionsID": "1",
            "PaymentMethod": "ACH",
            # Leading zeros: a value that must stay text.
            "Value": f"{maker.number(0, 999_999):010d}",
        }
    ]


def account_id(prefix: str, number: int) -> str:
    """A padded business account id; one in forty holds a slash."""
    plain = f"{prefix}/{number:05d}" if number % 40 == 0 else f"{prefix}{number:06d}"
    return plain.ljust(KEY_WIDTH)


def business_account(maker: Maker, name: str, day: date, modified: str) -> Fields:
    """What vendors and customers have in common."""
    main = contact(maker, name, day, modified)
    return {
        "AccountRef": maker.maybe(0.3, f"0{maker.number(1000, 9999)}"),
        "Attributes": attributes(maker),
        "Contacts": contact_lines(maker, name, day, modified),
        "CreatedDateTime": clock.stamp(clock.midnight(day)),
        "CurrencyID": maker.pick(CURRENCIES),
        "EnableCurrencyOverride": False,
        "EnableRateOverride": False,
        MODIFIED: modified,
        "LeadTimedays": maker.number(0, 30),
        "LocationName": "Primary Location",
        "MainContact": main,
        "PaymentInstructions": payment_instructions(maker),
        "PrimaryContact": maker.maybe(0.4, main),
        "ShippingAddressOverride": False,
        "ShippingContact": contact(maker, name, day, modified),
        "ShippingContactOverride": False,
        "ShippingTerms": maker.maybe(0.3, "FOB"),
        "ShipVia": maker.maybe(0.3, "GROUND"),
        "Status": "Active",
        "TaxRegistrationID": maker.maybe(0.4, f"00-{maker.number(0, 9_999_999):07d}"),
        "TaxZone": maker.maybe(0.7, "NY"),
        "Terms": maker.pick(tuple(TERMS)),
    }


def vendor(maker: Maker, number: int, day: date, modified: str) -> Record:
    """A vendor."""
    name = company_name(maker, vocabulary.VENDOR_TRADES, number)
    own = {
        "APAccount": "20000",
        "APSubaccount": "000-000",
        "CashAccount": "10200",
        "F1099Vendor": maker.chance(0.1),
        "FATCA": False,
        "ForeignEntity": False,
        "LandedCostVendor": maker.chance(0.05),
        "LegalName": name,
        "MaxReceipt": Decimal("100.00"),
        "MinReceipt": Decimal("0.00"),
        "PaymentBy": "Due Date",
        "PaymentLeadTimedays": maker.number(0, 5),
        "PaymentMethod": maker.pick(("CHECK", "ACH", "WIRE")),
        "PaySeparately": maker.chance(0.1),
        "PrintOrders": True,
        "ReceiptAction": "Accept but Warn",
        "RemittanceAddressOverride": False,
        "RemittanceContact": contact(maker, name, day, modified),
        "RemittanceContactOverride": False,
        "SendOrdersbyEmail": maker.chance(0.5),
        "TaxCalculationMode": "Tax Settings",
        "ThresholdReceipt": Decimal("100.00"),
        "VendorClass": maker.pick(("LOCAL", "INTL", "SERVICE")),
        "VendorID": account_id("V", number),
        "VendorIsLaborUnion": False,
        "VendorIsTaxAgency": number == 1,
        "VendorName": name,
        "Warehouse": maker.maybe(0.3, "MAIN"),
    }
    fields = business_account(maker, name, day, modified) | own
    return Record(maker.guid(), fields, maker.memo() or "")


def customer(maker: Maker, number: int, day: date, modified: str) -> Record:
    """A customer."""
    name = company_name(maker, vocabulary.CUSTOMER_TRADES, number)
    limit = maker.money(0, 250_000)
    record_id = maker.guid()
    own = {
        "ApplyOverdueCharges": maker.chance(0.3),
        "AutoApplyPayments": maker.chance(0.2),
        "BAccountID": 7000 + number,
        "BillingAddressOverride": False,
        "BillingContact": contact(maker, name, day, modified),
        "BillingContactOverride": False,
        "CreditLimit": limit,
        "CreditVerificationRules": credit_rules(maker, limit),
        "CustomerCategory": maker.maybe(0.2, "Organization"),
        "CustomerClass": maker.pick(("LOCAL", "INTL", "KEY")),
        "CustomerID": account_id("C", number),
        "CustomerName": name,
        "Email": maker.maybe(0.8, f"customer{number}@example.com"),
        "EnableWriteOffs": maker.chance(0.1),
        "IsGuestCustomer": False,
        "MultiCurrencyStatements": False,
        "NoteID": record_id,
        "OrderPriority": maker.number(0, 9),
        "PrimaryContactID": maker.maybe(0.4, maker.number(100_000, 999_999)),
        "PrintInvoices": maker.chance(0.5),
        "PrintStatements": maker.chance(0.5),
        "ResidentialDelivery": False,
        "Salespersons": salespersons(maker),
        "SaturdayDelivery": maker.chance(0.1),
        "SendInvoicesbyEmail": maker.chance(0.5),
        "ShippingRule": "Back Order Allowed",
        "StatementCycleID": "EOM",
        "StatementType": "Open Item",
        "WarehouseID": maker.maybe(0.3, "MAIN"),
        "WriteOffLimit": Decimal("0.00"),
    }
    fields = business_account(maker, name, day, modified) | own
    return Record(record_id, fields, maker.memo() or "")


def credit_rules(maker: Maker, limit: Decimal) -> Fields:
    """How far a customer may go."""
    return {
        "CreditDaysPastDue": maker.number(0, 60),
        "CreditLimit": limit,
        "CreditVerification": "Days Past Due",
        "OpenOrdersBalance": Decimal("0.00"),
        "RemainingCreditLimit": limit,
        "UnreleasedBalance": Decimal("0.00"),
    }


def salespersons(maker: Maker) -> list[Fields]:
    """Who sells to a customer."""
    if maker.chance(0.7):
        return []
    return [
        {
            "Commission": Decimal("2.500000"),
            "Default": True,
            "LocationID": "MAIN",
            "LocationName": "Primary Location",
            "Name": " ".join(
                (
                    maker.pick(vocabulary.FIRST_NAMES),
                    maker.pick(vocabulary.LAST_NAMES),
                )
            ),
            "SalespersonID": f"SP{maker.number(1, 9):04d}",
        }
    ]
