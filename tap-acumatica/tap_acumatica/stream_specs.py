"""The table of streams, and what the setting ``entities`` adds to it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_acumatica.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

REPLICATION_KEY = "LastModifiedDateTime"
_MODIFIED = [re.compile(word, re.IGNORECASE) for word in ("modif", "chang|updat")]
"""What the names of fields that tell when a record was modified have in them."""


class StreamSpec(NamedTuple):
    """A row of the table of streams.

    Attributes:
        name: The stream's name.
        entity: The top-level entity of the endpoint.
        expand: The paths of the detail arrays and linked objects to ask for; None is
            each of those that hang from the entity itself.
        replication_key: The date-time field that tells when a record was modified.
        key: The fields of the natural key, where ids are new with each session.
        is_setting: Whether the setting ``entities`` names it: what it names must be
            there, while rows of the table adapt to the tenant's endpoint.
    """

    name: str
    entity: str
    expand: tuple[str, ...] | None = ()
    replication_key: str = REPLICATION_KEY
    key: tuple[str, ...] = ()
    is_setting: bool = False


STREAMS = (
    StreamSpec(
        "vendors",
        "Vendor",
        (
            "Attributes",
            "Contacts",
            "PaymentInstructions",
            "MainContact",
            "MainContact/Address",
            "PrimaryContact",
            "PrimaryContact/Address",
            "RemittanceContact",
            "RemittanceContact/Address",
            "ShippingContact",
            "ShippingContact/Address",
        ),
    ),
    StreamSpec("bills", "Bill", ("Details", "Applications", "TaxDetails")),
    StreamSpec(
        "purchase_orders",
        "PurchaseOrder",
        (
            "Details",
            "TaxDetails",
            "ShippingInstructions",
            "ShippingInstructions/ShipToAddress",
            "ShippingInstructions/ShipToContact",
        ),
    ),
    StreamSpec("ap_payments", "Check", ("Details", "History")),
    StreamSpec("gl_accounts", "Account"),
    StreamSpec("journal_transactions", "JournalTransaction", ("Details",)),
    StreamSpec(
        "sales_invoices",
        "SalesInvoice",
        (
            "Details",
            "TaxDetails",
            "DiscountDetails",
            "FreightDetails",
            "ApplicationsInvoice",
            "ApplicationsCreditMemo",
            "BillingSettings",
            "BillingSettings/BillToAddress",
            "BillingSettings/BillToContact",
            "Commissions",
            "Commissions/SalesPersons",
            "FinancialDetails",
            "BillToAddress",
            "BillToContact",
            "ShipToAddress",
            "ShipToContact",
        ),
    ),
    StreamSpec(
        "ar_invoices",
        "Invoice",
        (
            "Details",
            "TaxDetails",
            "DiscountDetails",
            "ApplicationsDefault",
            "ApplicationsCreditMemo",
            "BillToContact",
            "ShipToContact",
        ),
    ),
    StreamSpec(
        "customers",
        "Customer",
        (
            "Attributes",
            "Contacts",
            "PaymentInstructions",
            "Salespersons",
            "MainContact",
            "MainContact/Address",
            "PrimaryContact",
            "PrimaryContact/Address",
            "BillingContact",
            "BillingContact/Address",
            "ShippingContact",
            "ShippingContact/Address",
            "CreditVerificationRules",
        ),
    ),
)


def proposal(spec: StreamSpec, fields: Mapping[str, Mapping[str, Any]]) -> str:
    """Name what may be the replication key where the usual one is missing.

    Args:
        spec: A stream.
        fields: The JSON Schema of each of the entity's fields.

    Returns:
        A sentence with an entry of the setting ``entities``; an empty text where the
        entity has the key, or no field that is likely to be one.
    """
    if spec.replication_key in fields:
        return ""
    moments = [n for n, schema in fields.items() if schema.get("format") == "date-time"]
    likely = [[n for n in moments if words.search(n)] for words in _MODIFIED]
    if not any(likely):
        return ""
    likeliest = next(names[0] for names in likely if names)
    return (
        f"{spec.name}: {spec.entity} has no {spec.replication_key}, so it is read in "
        "full each time. This entry of setting 'entities' has only what changes read, "
        f"if {likeliest} tells when a record was modified: {_entry(spec, likeliest)}"
    )


def _entry(spec: StreamSpec, replication_key: str) -> str:
    entry: dict[str, Any] = {"entity": spec.entity}
    if spec.name != snake_case(spec.entity):
        entry["stream"] = spec.name
    if spec.expand is not None:
        entry["expand"] = spec.expand
    if spec.key:
        entry["key"] = spec.key
    entry["replication_key"] = replication_key
    return json.dumps(entry)


def specs(entities: Iterable[Mapping[str, Any]]) -> list[StreamSpec]:
    """Return the table of streams with the tenant's own.

    Args:
        entities: The value of the setting ``entities``. An entry with the name of a
            stream of the table takes its place.

    Raises:
        SettingError: Two entries give one stream.
    """
    own: dict[str, StreamSpec] = {}
    for spec in _own(entities):
        if other := own.get(spec.name):
            raise SettingError(
                f"Setting 'entities' makes one stream {spec.name} of {other.entity} "
                f"and {spec.entity}; give one of them another 'stream'."
            )
        own[spec.name] = spec
    return list(({spec.name: spec for spec in STREAMS} | own).values())


def _own(entities: Iterable[Mapping[str, Any]]) -> Iterator[StreamSpec]:
    for entry in entities:
        expand = entry.get("expand")
        yield StreamSpec(
            entry.get("stream") or snake_case(entry["entity"]),
            entry["entity"],
            None if expand is None else tuple(_with_parents(expand)),
            entry.get("replication_key") or REPLICATION_KEY,
            tuple(dict.fromkeys(entry.get("key") or ())),
            is_setting=True,
        )


def _with_parents(paths: Iterable[str]) -> list[str]:
    """Return the paths with those that they hang from, each once."""
    parts = [path.split("/") for path in paths]
    whole = ["/".join(part[: n + 1]) for part in parts for n in range(len(part))]
    return list(dict.fromkeys(whole))


def snake_case(name: str) -> str:
    """Return a stream's name for an entity: ``SalesOrder`` gives ``sales_order``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
