"""A mid-sized distribution company, the same for the same seed number."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.acumatica.company import ledger, parties, payments, purchasing, sales
from sandbox.acumatica.company.master_data import master_data
from sandbox.acumatica.company.randomness import Maker
from sandbox.acumatica.model import clock
from sandbox.acumatica.model.values import Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from sandbox.acumatica.model.store import Store

VENDORS = 400
CUSTOMERS = 250
ORDERS = 2_000
ORDERED_BILLS = 1_400
BILLS = 4_000
PAYMENTS = 2_500
RELEASED_PAYMENTS = 2_450
SALES = 3_000
SALES_INVOICES_RELEASED = 2_600
INVOICES = 3_000
BATCHES = {"AP": 2_200, "AR": 1_800, "GL": 1_000}
"""Journal batches per module."""
SMALL = 10
"""How much smaller a small company is."""

LARGEST = Decimal("123456789012345.6789")
"""19 digits, as many as the database's type for money holds."""

BUILDING = Decimal("18765432.1098")
"""The price of a warehouse."""

SEED = "seed"
MUTATIONS = "mutations"


def found(store: Store, seed: int, *, small: bool = False) -> None:
    """Replace what a store holds by the company of a seed number.

    Args:
        store: Where the company is kept.
        seed: Which company.
        small: Whether it has a tenth of the usual documents, parties and batches.
    """
    company = Company(Maker(f"company {seed}", SMALL if small else 1))
    store.clear()
    records = company.records | master_data(seed)
    store.put((entity, row) for entity, rows in records.items() for row in rows)
    store.remember(SEED, seed)
    store.remember(MUTATIONS, 0)


class Company:
    """Two years of business.

    Args:
        maker: Decides everything that is left open here.
    """

    def __init__(self, maker: Maker) -> None:
        self.maker = maker
        self.records: dict[str, list[Record]] = defaultdict(list)
        self.records["Account"] = ledger.chart(maker)
        self.goods = ledger.numbers(self.records["Account"], "Asset")
        self.expenses = ledger.numbers(self.records["Account"], "Expense")
        self.income = ledger.numbers(self.records["Account"], "Income")
        self.make_parties()
        self.make_orders()
        self.make_bills()
        self.make_payments()
        self.make_sales()
        self.make_invoices()
        self.make_journals()

    def make_parties(self) -> None:
        """Vendors and customers."""
        maker = self.maker
        for number, day in enumerate(maker.days(maker.share(VENDORS)), 1):
            row = parties.vendor(maker, number, day, maker.modified(day))
            self.records["Vendor"].append(row)
        for number, day in enumerate(maker.days(maker.share(CUSTOMERS)), 1):
            row = parties.customer(maker, number, day, maker.modified(day))
            if number % 100 == 1:
                row.fields["CreditLimit"] = LARGEST
            self.records["Customer"].append(row)

    def make_orders(self) -> None:
        """Purchase orders."""
        for number, day in enumerate(self.maker.days(self.maker.share(ORDERS)), 1):
            order = purchasing.purchase_order(
                self.maker,
                number=number,
                vendor=self.maker.pick(self.records["Vendor"]),
                day=day,
                accounts=self.goods,
                modified=self.maker.modified(day),
            )
            self.records["PurchaseOrder"].append(order)

    def make_bills(self) -> None:
        """Bills: some for orders, most for services, a few of them huge."""
        maker = self.maker
        vendors = {row.fields["VendorID"]: row for row in self.records["Vendor"]}
        planned: list[tuple[date, Record | None]] = [
            (self.arrival(order), order)
            for order in self.records["PurchaseOrder"][: maker.share(ORDERED_BILLS)]
        ]
        services = maker.share(BILLS - ORDERED_BILLS)
        planned += [(day, None) for day in maker.days(services)]
        planned.sort(key=lambda plan: plan[0])
        for number, (day, ordered) in enumerate(planned, 1):
            vendor, lines = (
                (self.any_vendor(), self.services(number))
                if ordered is None
                else (
                    vendors[ordered.fields["VendorID"]],
                    purchasing.ordered_lines(ordered),
                )
            )
            bill = purchasing.bill(
                maker,
                number=number,
                vendor=vendor,
                day=day,
                lines=lines,
                modified=maker.modified(day),
            )
            self.records["Bill"].append(bill)

    def arrival(self, order: Record) -> date:
        """The day when what was ordered arrives; the order is complete from then on."""
        day = self.maker.later(clock.date_of(order.fields["Date"]), 3, 40)
        purchasing.receive(order, self.maker.modified(day))
        return day

    def any_vendor(self) -> Record:
        """Some vendor."""
        return self.maker.pick(self.records["Vendor"])

    def services(self, number: int) -> list[dict[str, object]]:
        """Lines of a bill that no order asked for."""
        sign = -1 if self.maker.chance(0.05) else 1
        lines = purchasing.expense_lines(self.maker, self.expenses, sign)
        if number % 1_000 == 1:
            return [
                purchasing.bill_line(
                    self.maker, self.expenses, BUILDING, "A warehouse and its land"
                )
            ]
        return lines

    def make_payments(self) -> None:
        """Payments of bills that are open, by vendor."""
        groups = list(self.groups_to_pay())
        self.maker.random.shuffle(groups)
        paid = groups[: self.maker.share(PAYMENTS)]
        due = [(self.pay_day(group), group) for group in paid]
        due.sort(key=lambda plan: plan[0])
        for number, (day, bills) in enumerate(due, 1):
            modified = self.maker.modified(day)
            check = payments.payment(
                self.maker, number=number, bills=bills, day=day, modified=modified
            )
            if number <= self.maker.share(RELEASED_PAYMENTS):
                payments.release(check, bills, modified)
            self.records["Check"].append(check)

    def groups_to_pay(self) -> Iterator[list[Record]]:
        """Groups of one or two bills of a vendor that are paid together."""
        by_vendor: dict[str, list[Record]] = defaultdict(list)
        for bill in self.records["Bill"]:
            if bill.fields["Type"] == "Bill":
                by_vendor[bill.fields["Vendor"]].append(bill)
        for bills in by_vendor.values():
            position = 0
            while position < len(bills):
                size = 2 if self.maker.chance(0.3) else 1
                yield bills[position : position + size]
                position += size

    def pay_day(self, bills: list[Record]) -> date:
        """The day when bills are paid."""
        return self.maker.later(clock.date_of(bills[-1].fields["Date"]), 5, 60)

    def make_sales(self) -> None:
        """Sales invoices, and the AR invoices of those that are released."""
        maker = self.maker
        for number, day in enumerate(maker.days(maker.share(SALES)), 1):
            customer = maker.pick(self.records["Customer"])
            sale = sales.sales_invoice(
                maker,
                number=number,
                customer=customer,
                day=day,
                accounts=self.income,
                modified=maker.modified(day),
            )
            self.records["SalesInvoice"].append(sale)
            if number > self.maker.share(SALES_INVOICES_RELEASED):
                sale.fields |= {"Status": "On Hold", "Hold": True}
                continue
            modified = maker.modified(day)
            invoice = sales.invoice_of(maker, sale, customer, modified)
            self.records["Invoice"].append(invoice)
            if maker.chance(0.6):
                self.collect(sale, invoice, day)

    def collect(self, sale: Record, invoice: Record, day: date) -> None:
        """The customer pays a sales invoice."""
        paid = self.maker.later(day, 3, 60)
        reference = f"{self.maker.number(1, 999_999):06d}"
        modified = self.maker.modified(paid)
        sales.collect_sale(sale, paid, modified, reference)
        sales.collect(invoice, paid, modified, reference)

    def make_invoices(self) -> None:
        """AR invoices for services."""
        maker = self.maker
        services = maker.share(INVOICES - SALES_INVOICES_RELEASED)
        for number, day in enumerate(maker.days(services), 1):
            invoice = sales.service_invoice(
                maker,
                number=number,
                customer=maker.pick(self.records["Customer"]),
                day=day,
                accounts=self.income,
                modified=maker.modified(day),
            )
            self.records["Invoice"].append(invoice)

    def make_journals(self) -> None:
        """Batches: what bills and invoices post, and manual entries."""
        counts = {module: self.maker.share(count) for module, count in BATCHES.items()}
        bills = self.records["Bill"][: counts["AP"]]
        for number, bill in enumerate(bills, 1):
            self.journal("AP", number, bill, ledger.bill_postings(bill))
        invoices = self.records["Invoice"][: counts["AR"]]
        for number, invoice in enumerate(invoices, 1):
            self.journal("AR", number, invoice, ledger.invoice_postings(invoice))
        every = self.goods + self.expenses + self.income
        for number, day in enumerate(self.maker.days(counts["GL"]), 1):
            postings = ledger.general_postings(self.maker, every)
            if number % 300 == 1:
                postings = ledger.slip_postings(self.maker, every, LARGEST)
            self.journal("GL", number, day, postings)

    def journal(
        self,
        module: str,
        number: int,
        source: Record | date,
        postings: list[ledger.Posting],
    ) -> None:
        """One batch, dated as its source."""
        day = (
            clock.date_of(source.fields["Date"])
            if isinstance(source, Record)
            else source
        )
        batch = ledger.journal(
            self.maker,
            module=module,
            number=number,
            day=day,
            postings=postings,
            modified=self.maker.modified(day),
        )
        self.records["JournalTransaction"].append(batch)
