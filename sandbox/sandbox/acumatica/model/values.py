"""The one shape in which the sandbox keeps a record, and its JSON.

Values are kept unwrapped: text (dates and date-times too, exactly as they are sent),
whole numbers, truth values, exact decimals, None for an empty field, a mapping for a
linked entity, a list of mappings for detail lines.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

Fields: TypeAlias = dict[str, Any]
"""Field names and unwrapped values of one entity."""

MODIFIED = "LastModifiedDateTime"


class Record(msgspec.Struct):
    """One top-level record.

    Attributes:
        id: The record's NoteID, a GUID that never changes.
        fields: Its unwrapped fields.
        note: The text of the note that users attach to a record.
        pinned: A test put the record; the company's own days leave it alone.
        archived: Only requests that ask for archived records see it.
    """

    id: str
    fields: Fields
    note: str = ""
    pinned: bool = False
    archived: bool = False


ENCODER = msgspec.json.Encoder(decimal_format="number")
"""Writes decimals with the digits that they have, as JSON numbers."""

RECORD_DECODER = msgspec.json.Decoder(Record, float_hook=Decimal)
"""Reads decimals without a detour through binary floats."""


def key_text(value: object) -> str:
    """A key's value as it is compared: SQL Server ignores trailing spaces."""
    return str(value or "").rstrip(" ")
