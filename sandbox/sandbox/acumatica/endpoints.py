"""Which endpoints are served, and the entities and fields of each.

A version is a file in ``versions/``, named ``<endpoint>-<version>.json``. Its source is
the metadata that Acumatica publishes with its own REST client for C#
(EndpointMetadata/Default_24.200.001), reduced to the entities that finance reads and
to everything that hangs from them.
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
    """

    kind: str
    fields: dict[str, str]
    form: str = ""

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
    """What a file in ``versions/`` holds."""

    contract: int
    entities: dict[str, EntityType]


@dataclass(frozen=True)
class Endpoint:
    """A served endpoint: its name, version, contract version and entities."""

    name: str
    version: str
    contract: int
    entities: dict[str, EntityType]

    @property
    def path(self) -> str:
        """Where the endpoint is found below the instance's address."""
        return f"/entity/{self.name}/{self.version}"


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


def load_endpoints() -> dict[tuple[str, str], Endpoint]:
    """Read the served endpoints, by name and version."""
    endpoints = {}
    for file in sorted(VERSIONS.glob("*.json")):
        name, _, version = file.stem.partition("-")
        content = msgspec.json.decode(file.read_bytes(), type=EndpointFile)
        endpoints[name, version] = Endpoint(
            name, version, content.contract, content.entities
        )
    return endpoints
