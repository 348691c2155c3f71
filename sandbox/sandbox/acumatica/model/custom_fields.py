"""A tenant's custom fields: what its customization project and attributes have added.

They exist while the setting ``custom_fields`` is on. A value is derived from the
record's id, so it never changes; a record that holds one under ``View.Field`` shows
that one instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from sandbox.acumatica.model import clock

if TYPE_CHECKING:
    from sandbox.acumatica.model.values import Fields


@dataclass(frozen=True)
class CustomField:
    """A field that the endpoint lacks.

    Attributes:
        view: The data view of the form that holds it.
        name: Its internal name; that of a user-defined field starts with ``Attribute``.
        kind: Its type, such as CustomStringField.
        many: Whether its text names several entries of a list, with commas between.
    """

    view: str
    name: str
    kind: str
    many: bool = False

    @property
    def path(self) -> str:
        """How requests name the field."""
        return f"{self.view}.{self.name}"

    def value(self, fields: Fields, origin: str) -> Any:  # noqa: ANN401 - any JSON value
        """The field's value, None where it is empty.

        Args:
            fields: The unwrapped fields of the record, linked entity or line.
            origin: What tells it from all others.
        """
        if self.path in fields:
            return fields[self.path]
        digest = blake2b(f"{origin} {self.path}".encode(), digest_size=4).digest()
        number = int.from_bytes(digest)
        value = sample(self.kind, number)
        return f"{value},D{number % 7}" if self.many and value else value


def sample(kind: str, number: int) -> Any:  # noqa: ANN401 - any JSON value
    """A value of a type; one in five is empty."""
    if number % 5 == 0:
        return None
    if kind == "CustomBooleanField":
        return number % 2 == 0
    if kind == "CustomIntField":
        return number % 1000
    if kind == "CustomDecimalField":
        return Decimal(number % 10_000_000).scaleb(-4)
    if kind == "CustomDateTimeField":
        day = datetime(2025, 1, 1, 15, tzinfo=UTC) + timedelta(hours=number % 10_000)
        return clock.stamp(day)
    return f"C{number % 100:02d}"


CUSTOM_FIELDS: dict[str, dict[str, tuple[CustomField, ...]]] = {
    "Bill": {
        "": (
            CustomField("Document", "UsrApprovalCode", "CustomStringField"),
            CustomField("Document", "UsrScannedPages", "CustomIntField"),
            CustomField("Document", "UsrCustomsDuty", "CustomDecimalField"),
            CustomField("Document", "UsrDisputed", "CustomBooleanField"),
            CustomField("Document", "UsrApprovedOn", "CustomDateTimeField"),
            CustomField("Document", "AttributeCOSTCENTER", "CustomStringField"),
            CustomField("Document", "UsrSites", "CustomStringField", many=True),
        ),
        "Details": (
            CustomField("Transactions", "UsrQuantityChecked", "CustomDecimalField"),
            CustomField("Transactions", "UsrInspector", "CustomStringField"),
        ),
    },
    "Vendor": {
        "": (CustomField("CurrentVendor", "UsrRating", "CustomIntField"),),
        "MainContact": (CustomField("DefContact", "UsrLinkedIn", "CustomStringField"),),
    },
    "JournalTransaction": {
        "": (CustomField("BatchModule", "UsrSource", "CustomStringField"),)
    },
}
"""By table and by the path of the linked entity or the lines inside its records."""


def custom_fields(table: str, path: str) -> tuple[CustomField, ...]:
    """The custom fields of a table's records, or of what is nested in them."""
    return CUSTOM_FIELDS.get(table, {}).get(path, ())
