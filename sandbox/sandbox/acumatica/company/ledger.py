"""The chart of accounts, and journal batches that balance to zero."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from sandbox.acumatica.company import vocabulary
from sandbox.acumatica.company.randomness import (
    FIRST_DAY,
    Maker,
    decimals,
    period,
    zero,
)
from sandbox.acumatica.model import clock
from sandbox.acumatica.model.values import MODIFIED, Fields, Record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

CASH = "10200"
RECEIVABLES = "11000"
INPUT_TAX = "15400"
PAYABLES = "20000"
OUTPUT_TAX = "23000"
FREIGHT_INCOME = "40900"
KEY_WIDTH = 10


class Range(NamedTuple):
    """A part of the chart: accounts of one class, numbered at equal distances."""

    kind: str
    group: str
    first: int
    size: int
    step: int
    names: tuple[str, ...]


CHART = (
    Range("Asset", "CASH", 10000, 20, 50, ("Petty cash", "Bank", "Clearing")),
    Range("Asset", "AR", 11000, 10, 100, ("Receivables", "Employee advances")),
    Range("Asset", "INVENTORY", 12000, 20, 100, ("Inventory", "Goods in transit")),
    Range("Asset", "PREPAID", 15000, 40, 50, ("Prepaid — loyers", "Input tax")),
    Range("Liability", "AP", 20000, 20, 100, ("Payables", "Accrued purchases")),
    Range("Liability", "TAX", 23000, 20, 100, ("Sales tax payable", "Payroll tax")),
    Range("Liability", "EQUITY", 30000, 10, 100, ("Share capital", "Reserves")),
    Range("Income", "SALES", 40000, 50, 100, ("Sales", "Sales, export", "Freight")),
    Range("Expense", "COGS", 50000, 30, 100, ("Cost of goods sold", "Variance")),
    Range("Expense", "OPEX", 60000, 80, 100, ("Rent", "Utilities", "Café & meals")),
)
"""300 accounts."""


class Posting(NamedTuple):
    """What a journal line posts to an account: debit positive, credit negative."""

    account: str
    amount: Decimal
    reference: str | None = None
    party: str | None = None


def chart(maker: Maker) -> list[Record]:
    """The chart of accounts."""
    return [
        account(maker, part, index, order)
        for order, (part, index) in enumerate(
            (part, index) for part in CHART for index in range(part.size)
        )
    ]


def account(maker: Maker, part: Range, index: int, order: int) -> Record:
    """Account number ``index`` of a part of the chart."""
    name = part.names[index % len(part.names)]
    return account_record(
        maker,
        number=part.first + index * part.step,
        order=order,
        kind=part.kind,
        group=part.group,
        name=f"{name} {index // len(part.names) + 1}",
        modified=maker.modified(maker.later(FIRST_DAY, 0, 700)),
    )


def account_record(  # noqa: PLR0913 - what an account needs, all by name
    maker: Maker,
    *,
    number: int,
    order: int,
    kind: str,
    group: str,
    name: str,
    modified: str,
) -> Record:
    """An account."""
    fields: Fields = {
        "AccountCD": str(number).ljust(KEY_WIDTH),
        "AccountClass": group,
        "AccountGroup": None,
        "AccountID": 1000 + order,
        "Active": not maker.chance(0.05),
        "CashAccount": group == "CASH",
        "ChartOfAccountsOrder": order,
        "CreatedDateTime": clock.stamp(clock.midnight(FIRST_DAY)),
        "CurrencyID": maker.maybe(0.1, "USD"),
        "Description": name,
        MODIFIED: modified,
        "PostOption": maker.pick(("Detail", "Summary")),
        "RequireUnits": False,
        "Secured": False,
        "TaxCategory": maker.maybe(0.1, "TAXABLE"),
        "Type": kind,
        "UseDefaultSubaccount": maker.chance(0.2),
    }
    return Record(maker.guid(), fields)


def numbers(accounts: Sequence[Record], kind: str) -> list[str]:
    """The numbers of all accounts of a type, without padding."""
    found = [row for row in accounts if row.fields["Type"] == kind]
    return [row.fields["AccountCD"].rstrip() for row in found]


def side(amount: Decimal) -> Decimal:
    """What stands on one side of a line: the amount if it is positive."""
    return max(amount, zero(decimals(amount)))


def journal_lines(postings: Sequence[Posting]) -> list[Fields]:
    """Journal lines for postings that add up to zero."""
    return [
        {
            "Account": posting.account,
            "BranchID": "MAIN",
            "CreditAmount": side(-posting.amount),
            "DebitAmount": side(posting.amount),
            "Description": f"Account {posting.account}",
            "IsNonPM": False,
            "LineNbr": number,
            "NonBillable": False,
            "Project": "X",
            "Qty": Decimal("0.00"),
            "ReferenceNbr": posting.reference,
            "Subaccount": "000-000",
            "TransactionDescription": posting.reference and f"Ref. {posting.reference}",
            "VendorOrCustomer": posting.party,
        }
        for number, posting in enumerate(postings, 1)
    ]


def journal(  # noqa: PLR0913 - what a batch needs, all by name
    maker: Maker,
    *,
    module: str,
    number: int,
    day: date,
    postings: Sequence[Posting],
    modified: str,
) -> Record:
    """A journal batch."""
    status = "Unposted" if maker.chance(0.05) else "Posted"
    fields: Fields = {
        "BatchNbr": f"{module}{number:06d}",
        "BranchID": "MAIN",
        "CreatedDateTime": clock.stamp(clock.midnight(day)),
        "CurrencyID": "USD",
        "Description": maker.maybe(0.6, maker.pick(vocabulary.SERVICES)),
        "Details": journal_lines(postings),
        "Hold": False,
        MODIFIED: modified,
        "LedgerID": "ACTUAL",
        "Module": module,
        "PostPeriod": period(day),
        "Status": status,
        "TransactionDate": clock.business_date(day),
    }
    return Record(maker.guid(), fields)


def bill_postings(bill: Record) -> list[Posting]:
    """What a bill posts: its lines and tax in debit, payables in credit."""
    fields = bill.fields
    reference, party = fields["ReferenceNbr"], fields["Vendor"]
    lines = [
        Posting(line["Account"], line["Amount"], reference, party)
        for line in fields["Details"]
    ]
    if fields["TaxTotal"]:
        lines.append(Posting(INPUT_TAX, fields["TaxTotal"], reference, party))
    return [*lines, Posting(PAYABLES, -fields["Amount"], reference, party)]


def invoice_postings(invoice: Record) -> list[Posting]:
    """What an AR invoice posts: receivables in debit, lines and tax in credit."""
    fields = invoice.fields
    reference, party = fields["ReferenceNbr"], fields["Customer"]
    lines = [
        Posting(line["Account"], -line["Amount"], reference, party)
        for line in fields["Details"]
    ]
    if fields["TaxTotal"]:
        lines.append(Posting(OUTPUT_TAX, -fields["TaxTotal"], reference, party))
    return [Posting(RECEIVABLES, fields["Amount"], reference, party), *lines]


def general_postings(maker: Maker, accounts: Sequence[str]) -> list[Posting]:
    """A manual entry: some accounts, and one that takes the difference."""
    digits = maker.digits()
    lines = [
        Posting(maker.pick(accounts), maker.money(1, 20_000, digits))
        for _ in range(maker.number(1, 4))
    ]
    difference = sum((line.amount for line in lines), Decimal(0))
    return [*lines, Posting(maker.pick(accounts), -difference)]


def slip_postings(
    maker: Maker, accounts: Sequence[str], amount: Decimal
) -> list[Posting]:
    """A slip of the keyboard, and its correction in the same account."""
    account_number = maker.pick(accounts)
    return [Posting(account_number, amount), Posting(account_number, -amount)]
