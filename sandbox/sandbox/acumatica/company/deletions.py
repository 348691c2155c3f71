"""What people delete in the evening: entered by mistake, or no longer wanted.

Only what nothing else hangs from is deleted, so the books stay consistent: parties
without documents, orders that never arrived, payments and sales invoices that were not
released, batches that were not posted, and a bill that nobody paid, with its batches.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from sandbox.acumatica.model.values import key_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.acumatica.company.day import Day
    from sandbox.acumatica.model.values import Fields, Record

DOCUMENTS = {
    "Vendor": {"Bill": "Vendor", "PurchaseOrder": "VendorID", "Check": "Vendor"},
    "Customer": {"SalesInvoice": "CustomerID", "Invoice": "Customer"},
}
"""The documents of a party, and their field that names the party."""


class Evening:
    """Deletes records at the end of a day.

    Args:
        day: The day, which has happened but is not stored yet.
    """

    def __init__(self, day: Day) -> None:
        self.day = day

    def play(self) -> None:
        """Everything that is deleted in an evening."""
        for entity in DOCUMENTS:
            named = set(self.parties(entity))
            key = f"{entity}ID"
            self.delete(entity, lambda row: key_text(row[key]) not in named)  # noqa: B023 - called at once
        self.delete("PurchaseOrder", lambda row: row["Status"] != "Completed")
        self.delete("Check", lambda row: bool(row["Details"]))
        self.delete("SalesInvoice", lambda row: row["Status"] == "On Hold")
        self.delete("JournalTransaction", is_unposted_entry)
        for bill in self.delete("Bill", self.is_mistaken):
            self.delete_batches(bill.fields["ReferenceNbr"])

    def delete(self, entity: str, suits: Callable[[Fields], bool]) -> list[Record]:
        """Delete one of the morning's records that suit and were left alone today.

        Returns:
            The deleted record; none where none suits.
        """
        day = self.day
        rows = [
            row
            for row in day.rows(entity)
            if row.id not in day.changed[entity] and suits(row.fields)
        ]
        chosen = day.maker.random.sample(rows, min(1, len(rows)))
        day.deleted[entity] += chosen
        return chosen

    def parties(self, entity: str) -> Iterator[str]:
        """The parties that documents name."""
        for document, field in DOCUMENTS[entity].items():
            for row in self.every(document):
                yield key_text(row.fields[field])

    def every(self, entity: str) -> Iterator[Record]:
        """The records of the morning and those that the day added."""
        return chain(self.day.rows(entity), self.day.added[entity])

    def is_mistaken(self, fields: Fields) -> bool:
        """Whether a bill can go: nothing was paid, no order has arrived with it."""
        ordered = any(line.get("POOrderNbr") for line in fields["Details"])
        return not ordered and self.day.is_unpaid(fields)

    def delete_batches(self, reference: str) -> None:
        """Delete what a bill has posted."""
        day, entity = self.day, "JournalTransaction"
        for batch in day.rows(entity):
            first = batch.fields["Details"][0]
            if batch.fields["Module"] == "AP" and first["ReferenceNbr"] == reference:
                day.changed[entity].pop(batch.id, None)
                day.deleted[entity].append(batch)


def is_unposted_entry(fields: Fields) -> bool:
    """Whether a batch is a manual entry that is not in the ledger yet."""
    return bool(fields["Module"] == "GL" and fields["Status"] == "Unposted")
