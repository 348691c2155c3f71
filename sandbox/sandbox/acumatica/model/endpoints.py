"""Which endpoints are served, and the entities and fields of each.

A version is a file in ``versions/``, named ``<endpoint>-<version>.json``. Its source is
the metadata that Acumatica publishes with its own REST client for C#
(EndpointMetadata), reduced to the entities that finance reads, a few master data, and
everything that hangs from them. Default/25.200.001 is Default/24.200.001 with the
changes that are known for the same entities; Subaccount is taken to be the same in all.
Finance is a tenant's own endpoint: it renames an entity and fields, and makes real
fields of custom ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

VERSIONS = Path(__file__).parent / "versions"
TOP_LEVEL = "TopLevelEntity"


class EntityType(msgspec.Struct, frozen=True, dict=True):
    """One entity of an endpoint.

    Attributes:
        kind: TopLevelEntity, LinkedEntity or Detail.
        fields: Field names and types: a wrapper (``StringValue``), an entity
            (``Contact``) or an array of detail lines (``BillDetail[]``).
        form: The form behind a top-level entity, such as AP303000.
        table: The company's table that a top-level entity shows, where a custom
            endpoint has given it another name.
        stored: What the company calls the fields that a custom endpoint has renamed,
            or made real fields of custom ones.
    """

    kind: str
    fields: dict[str, str]
    form: str = ""
    table: str = ""
    stored: dict[str, str] = {}

    @cached_property
    def scalars(self) -> tuple[str, ...]:
        """The fields that hold one value."""
        return tuple(name for name in self.fields if name not in self.nested)

    @cached_property
    def nested(self) -> dict[str, str]:
        """The fields that arrive only with ``$expand``, and their entities."""
        return {
            name: kind.removesuffix("[]")
            for name, kind in self.fields.items()
            if not kind.endswith("Value")
        }

    def is_array(self, name: str) -> bool:
        """Whether a field holds detail lines."""
        return self.fields[name].endswith("[]")


class EndpointFile(msgspec.Struct, forbid_unknown_fields=True):
    """What a file in ``versions/`` holds.

    Attributes:
        contract: The contract version.
        entities: The entities by name.
        since: The release that a custom endpoint was made on; the version of Default
            says it.
    """

    contract: int
    entities: dict[str, EntityType]
    since: str = ""


@dataclass
class Endpoint:
    """An endpoint: name, version, contract version, entities, and first release."""

    name: str
    version: str
    contract: int
    entities: dict[str, EntityType]
    since: tuple[int, int]

    def is_served_by(self, build: str) -> bool:
        """Whether a build is new enough; old endpoints stay on newer releases."""
        return self.since <= release(build)

    @property
    def path(self) -> str:
        """Where the endpoint is found below the instance's address."""
        return f"/entity/{self.name}/{self.version}"

    def table(self, entity: str) -> str:
        """The company's table that an entity shows."""
        return self.entities[entity].table or entity

    @cached_property
    def readable(self) -> tuple[str, ...]:
        """The top-level entities that can be read."""
        return tuple(
            name
            for name, entity in self.entities.items()
            if entity.kind == TOP_LEVEL and self.table(name) in TABLES
        )


@dataclass(frozen=True)
class Readable:
    """How one top-level entity behaves when it is read.

    Attributes:
        keys: The fields of the natural key, in the order of the key URL.
        amount: The field, or detail field, that sums up what the records are worth.
        view: The graph and view that file links name.
        ignores_select: ``$select`` has no effect (reported for JournalTransaction).
        silent_text_filters: A filter on a text field that is no key finds nothing
            instead of failing (reported for PurchaseOrder).
    """

    keys: tuple[str, ...]
    view: str
    amount: str | None = None
    ignores_select: bool = False
    silent_text_filters: bool = False


READABLE = {
    "Vendor": Readable(("VendorID",), "PX.Objects.AP.VendorMaint/BAccount"),
    "Bill": Readable(
        ("Type", "ReferenceNbr"), "PX.Objects.AP.APInvoiceEntry/Document", "Amount"
    ),
    "PurchaseOrder": Readable(
        ("Type", "OrderNbr"),
        "PX.Objects.PO.POOrderEntry/Document",
        "OrderTotal",
        silent_text_filters=True,
    ),
    "Check": Readable(
        ("Type", "ReferenceNbr"),
        "PX.Objects.AP.APPaymentEntry/Document",
        "PaymentAmount",
    ),
    "Account": Readable(("AccountCD",), "PX.Objects.GL.AccountMaint/AccountRecords"),
    "JournalTransaction": Readable(
        ("Module", "BatchNbr"),
        "PX.Objects.GL.JournalEntry/BatchModule",
        "Details/DebitAmount",
        ignores_select=True,
    ),
    "SalesInvoice": Readable(
        ("Type", "ReferenceNbr"), "PX.Objects.SO.SOInvoiceEntry/Document", "Amount"
    ),
    "Invoice": Readable(
        ("Type", "ReferenceNbr"), "PX.Objects.AR.ARInvoiceEntry/Document", "Amount"
    ),
    "Customer": Readable(("CustomerID",), "PX.Objects.AR.CustomerMaint/BAccount"),
}
"""What the company's days are about."""

MASTER_DATA = {
    "Contact": Readable(("ContactID",), "PX.Objects.CR.ContactMaint/Contact"),
    "Ledger": Readable(("LedgerID",), "PX.Objects.GL.GeneralLedgerMaint/LedgerRecords"),
    "Subaccount": Readable(
        ("SubaccountCD",), "PX.Objects.GL.SubAccountMaint/SubRecords"
    ),
}
"""What hardly ever changes; a Subaccount does not say when it was modified."""

TABLES = READABLE | MASTER_DATA
"""All top-level entities that the company has records of."""


def release(version: str) -> tuple[int, int]:
    """The year and number of a release, of a build as of an endpoint's version."""
    year, number = version.split(".")[:2]
    return int(year), int(number)


def load_endpoints() -> dict[tuple[str, str], Endpoint]:
    """Read all endpoints, by name and version."""
    endpoints = {}
    for file in sorted(VERSIONS.glob("*.json")):
        name, _, version = file.stem.partition("-")
        content = msgspec.json.decode(file.read_bytes(), type=EndpointFile)
        endpoints[name, version] = Endpoint(
            name,
            version,
            content.contract,
            content.entities,
            release(content.since or version),
        )
    return endpoints
