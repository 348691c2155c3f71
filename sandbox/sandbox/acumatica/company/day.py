"""One day of the company: what people add and change, before it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.acumatica.company import ledger, parties, payments, purchasing, sales
from sandbox.acumatica.company.ledger import Posting
from sandbox.acumatica.company.randomness import Maker, decimals
from sandbox.acumatica.model import clock
from sandbox.acumatica.model.endpoints import READABLE
from sandbox.acumatica.model.values import (
    ENCODER,
    MODIFIED,
    RECORD_DECODER,
    Fields,
    Record,
    key_text,
)
from sandbox.processes import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox.acumatica.model.store import Store


class Day:
    """One day; nothing is stored before it is over.

    Args:
        store: The company as it was in the morning.
        maker: Decides what happens.
    """

    def __init__(self, store: Store, maker: Maker) -> None:
        self.store = store
        self.maker = maker
        self.added: dict[str, list[Record]] = {entity: [] for entity in READABLE}
        self.changed: dict[str, dict[str, Record]] = {e: {} for e in READABLE}
        self.deleted: dict[str, list[Record]] = {entity: [] for entity in READABLE}
        self.today = clock.now().astimezone(clock.zone_at(clock.now())).date()
        accounts = self.rows("Account")
        self.goods = ledger.numbers(accounts, "Asset")
        self.expenses = ledger.numbers(accounts, "Expense")
        self.income = ledger.numbers(accounts, "Income")
        self.prepared = {
            (line["DocType"], line["ReferenceNbr"])
            for check in self.rows("Check")
            for line in check.fields["Details"]
        }

    def play(self) -> None:
        """Everything that happens on a day."""
        self.keep_master_data()
        self.order()
        self.receive()
        self.bill_services()
        self.extend_bills()
        self.pay()
        self.sell()
        self.collect()
        self.post()

    def changes(self) -> list[tuple[str, Record]]:
        """The records that were added or changed, by entity."""
        return [
            (entity, row)
            for entity in READABLE
            for row in [*self.added[entity], *self.changed[entity].values()]
        ]

    def removals(self) -> list[tuple[str, Record]]:
        """The records that were deleted, by entity."""
        return [(entity, row) for entity in READABLE for row in self.deleted[entity]]

    def now(self) -> str:
        """The time of a change."""
        return clock.stamp(clock.now())

    def rows(self, entity: str) -> list[Record]:
        """The records that the company made itself."""
        return [row for row in self.store.rows(entity) if not row.pinned]

    def choose(
        self, entity: str, count: int, suits: Callable[[Fields], bool] | None = None
    ) -> list[Record]:
        """Some records, as copies that the day may change."""
        rows = [
            row
            for row in self.rows(entity)
            if row.id not in self.changed[entity]
            and (suits is None or suits(row.fields))
        ]
        chosen = self.maker.random.sample(rows, min(count, len(rows)))
        return [self.edit(entity, row) for row in chosen]

    def edit(self, entity: str, row: Record) -> Record:
        """A copy of a record, which will replace it in the evening."""
        copy = RECORD_DECODER.decode(ENCODER.encode(row))
        copy.fields[MODIFIED] = self.now()
        self.changed[entity][row.id] = copy
        return copy

    def next_number(self, entity: str, field: str, prefix: str) -> int:
        """The number after the highest one that a key field holds behind a prefix."""
        rows = [*self.store.rows(entity), *self.added[entity]]
        keys = (key_text(row.fields.get(field)) for row in rows)
        ends = (
            k.removeprefix(prefix).lstrip("/") for k in keys if k.startswith(prefix)
        )
        return max((int(end) for end in ends if end.isdecimal()), default=0) + 1

    def keep_master_data(self) -> None:
        """Vendors, customers and accounts come and change."""
        maker, now = self.maker, self.now()
        number = self.next_number("Vendor", "VendorID", "V")
        self.added["Vendor"].append(parties.vendor(maker, number, self.today, now))
        number = self.next_number("Customer", "CustomerID", "C")
        self.added["Customer"].append(parties.customer(maker, number, self.today, now))
        self.added["Account"].append(self.new_account())
        for vendor in self.choose("Vendor", 3):
            vendor.fields["Terms"] = maker.pick(tuple(parties.TERMS))
            vendor.fields["Status"] = maker.pick(("Active", "Hold Payments"))
        for customer in self.choose("Customer", 3):
            customer.fields["CreditLimit"] = maker.money(0, 250_000)
            customer.fields["Status"] = maker.pick(("Active", "Credit Hold"))
        for account in self.choose("Account", 2):
            name = account.fields["Description"].removesuffix(" (renamed)")
            account.fields["Description"] = f"{name} (renamed)"

    def new_account(self) -> Record:
        """One more account for expenses."""
        number = self.next_number("Account", "AccountCD", "")
        return ledger.account_record(
            self.maker,
            number=number,
            order=number,
            kind="Expense",
            group="OPEX",
            name=f"Project {number}",
            modified=self.now(),
        )

    def order(self) -> None:
        """Purchase orders are placed, others grow by a line."""
        number = self.next_number("PurchaseOrder", "OrderNbr", "PO")
        for offset in range(4):
            order = purchasing.purchase_order(
                self.maker,
                number=number + offset,
                vendor=self.maker.pick(self.rows("Vendor")),
                day=self.today,
                accounts=self.goods,
                modified=self.now(),
            )
            self.added["PurchaseOrder"].append(order)
        for order in self.choose("PurchaseOrder", 2, is_open):
            self.extend_order(order.fields)

    def extend_order(self, fields: Fields) -> None:
        """Add a line to an order."""
        last = fields["Details"][-1]
        digits = decimals(last["ExtendedCost"])
        number = last["LineNbr"] + 1
        line = purchasing.order_line(self.maker, number, digits, self.goods)
        same = ("OrderType", "OrderNbr", "Requested", "Promised")
        fields["Details"].append(line | {name: last[name] for name in same})
        purchasing.retotal_order(fields, taxed=bool(fields["TaxDetails"]))

    def receive(self) -> None:
        """Open orders arrive, and their bills with them."""
        for order in self.choose("PurchaseOrder", 3, is_open):
            purchasing.receive(order, self.now())
            vendor = self.vendor(order.fields["VendorID"])
            self.enter_bill(vendor, purchasing.ordered_lines(order))

    def vendor(self, vendor_id: str) -> Record:
        """The vendor with an id."""
        vendor = self.store.by_key("Vendor", (vendor_id,))
        return vendor or self.maker.pick(self.rows("Vendor"))

    def bill_services(self) -> None:
        """Bills for services arrive, one of them negative."""
        for sign in (1, 1, 1, 1, -1):
            lines = purchasing.expense_lines(self.maker, self.expenses, sign)
            self.enter_bill(self.maker.pick(self.rows("Vendor")), lines)

    def enter_bill(self, vendor: Record, lines: list[Fields]) -> None:
        """Add a bill and post it."""
        bill = purchasing.bill(
            self.maker,
            number=self.next_number("Bill", "ReferenceNbr", ""),
            vendor=vendor,
            day=self.today,
            lines=lines,
            modified=self.now(),
        )
        self.added["Bill"].append(bill)
        self.enter_batch("AP", ledger.bill_postings(bill))

    def extend_bills(self) -> None:
        """A line is added to open bills that nothing was paid for yet."""
        for bill in self.choose("Bill", 3, self.is_unpaid):
            fields = bill.fields
            before, tax_before = fields["Amount"], fields["TaxTotal"]
            digits = decimals(before)
            amount = self.maker.money(5, 900, digits)
            line = purchasing.bill_line(
                self.maker, self.expenses, amount, "Forgotten in the first version"
            )
            fields["Details"].append(line)
            purchasing.retotal_bill(fields, taxed=bool(fields["TaxDetails"]))
            tax = fields["TaxTotal"] - tax_before
            names = fields["ReferenceNbr"], fields["Vendor"]
            postings = [
                Posting(line["Account"], amount, *names),
                Posting(ledger.INPUT_TAX, tax, *names),
                Posting(ledger.PAYABLES, before - fields["Amount"], *names),
            ]
            self.enter_batch("AP", postings)

    def pay(self) -> None:
        """Open bills are paid, and payments are described."""
        for bill in self.choose("Bill", 5, self.is_payable):
            check = payments.payment(
                self.maker,
                number=self.next_number("Check", "ReferenceNbr", ""),
                bills=[bill],
                day=self.today,
                modified=self.now(),
            )
            payments.release(check, [bill], self.now())
            self.added["Check"].append(check)
        for check in self.choose("Check", 1, is_prepared):
            bills = [self.named_bill(line) for line in check.fields["Details"]]
            payments.release(check, bills, self.now())
        for check in self.choose("Check", 2):
            check.fields["Description"] = f"Cleared on {self.today:%d %B %Y}"

    def named_bill(self, line: Fields) -> Record:
        """The bill that a line of a payment names, to be changed."""
        bill = self.store.by_key("Bill", (line["DocType"], line["ReferenceNbr"]))
        if bill is None:
            raise SandboxError(f"A payment names the bill {line['ReferenceNbr']}.")
        return self.edit("Bill", bill)

    def is_payable(self, fields: Fields) -> bool:
        """Whether a bill has a balance that no prepared payment is going to pay."""
        key = (fields["Type"], fields["ReferenceNbr"])
        open_bill = fields["Type"] == "Bill" and fields["Balance"] > 0
        return bool(open_bill and key not in self.prepared)

    def is_unpaid(self, fields: Fields) -> bool:
        """Whether nothing of a bill was paid yet."""
        return self.is_payable(fields) and not fields["Applications"]

    def sell(self) -> None:
        """Invoices for goods and for services are written."""
        maker = self.maker
        number = self.next_number("SalesInvoice", "ReferenceNbr", "INV")
        for offset in range(4):
            customer = maker.pick(self.rows("Customer"))
            sale = sales.sales_invoice(
                maker,
                number=number + offset,
                customer=customer,
                day=self.today,
                accounts=self.income,
                modified=self.now(),
            )
            self.added["SalesInvoice"].append(sale)
            invoice = sales.invoice_of(maker, sale, customer, self.now())
            self.added["Invoice"].append(invoice)
            self.enter_batch("AR", ledger.invoice_postings(invoice))
        self.sell_services()

    def sell_services(self) -> None:
        """An invoice for services is written."""
        invoice = sales.service_invoice(
            self.maker,
            number=self.next_number("Invoice", "ReferenceNbr", "AR"),
            customer=self.maker.pick(self.rows("Customer")),
            day=self.today,
            accounts=self.income,
            modified=self.now(),
        )
        self.added["Invoice"].append(invoice)
        self.enter_batch("AR", ledger.invoice_postings(invoice))

    def collect(self) -> None:
        """Customers pay; the sales invoice shows it too."""
        for invoice in self.choose("Invoice", 6, is_open):
            reference = f"{self.maker.number(1, 999_999):06d}"
            key = self.store.key("Invoice", invoice)
            sales.collect(invoice, self.today, self.now(), reference)
            if sale := self.store.by_key("SalesInvoice", key):
                sale = self.edit("SalesInvoice", sale)
                sales.collect_sale(sale, self.today, self.now(), reference)
        for sale in self.choose("SalesInvoice", 2, is_held):
            sale.fields["Description"] = f"Held on {self.today:%d %B %Y}"

    def post(self) -> None:
        """Manual entries are made, unposted batches posted, others described."""
        every = self.goods + self.expenses + self.income
        self.enter_batch("GL", ledger.general_postings(self.maker, every))
        for batch in self.choose("JournalTransaction", 3, is_unposted):
            batch.fields["Status"] = "Posted"
        for batch in self.choose("JournalTransaction", 2):
            batch.fields["Description"] = f"Reviewed on {self.today:%d %B %Y}"

    def enter_batch(self, module: str, postings: Sequence[Posting]) -> None:
        """Add a journal batch."""
        number = self.next_number("JournalTransaction", "BatchNbr", module)
        batch = ledger.journal(
            self.maker,
            module=module,
            number=number,
            day=self.today,
            postings=postings,
            modified=self.now(),
        )
        self.added["JournalTransaction"].append(batch)


def is_open(fields: Fields) -> bool:
    """Whether a document waits for something."""
    return bool(fields["Status"] == "Open" and fields["Details"])


def is_held(fields: Fields) -> bool:
    """Whether a document is on hold."""
    return bool(fields["Status"] == "On Hold")


def is_unposted(fields: Fields) -> bool:
    """Whether a batch is not in the ledger yet."""
    return bool(fields["Status"] == "Unposted")


def is_prepared(fields: Fields) -> bool:
    """Whether a payment waits for its release."""
    return bool(fields["Details"])
