"""The columns that this target fills itself, beside those of the record (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_snowflake_merge.schema.date_times import now
from target_snowflake_merge.schema.kinds import INTEGER, TEXT, TIMESTAMP, ColumnType
from target_snowflake_merge.warehouse.identifiers import OWN as OWN_ALONE
from target_snowflake_merge.warehouse.statements import (
    DELETED_AT,
    REQUEST_ID,
    ROW,
    SEQUENCE,
    TABLE_VERSION,
    Source,
    constant_source,
    element_source,
    row_source,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

METADATA = {
    "_SDC_EXTRACTED_AT": ("extracted_at", TIMESTAMP),
    "_SDC_RECEIVED_AT": ("received_at", TIMESTAMP),
    DELETED_AT: ("deleted_at", TIMESTAMP),
    TABLE_VERSION: ("table_version", INTEGER),
}
"""Meltano's metadata columns that each record brings, and their place in `Element`."""

BATCHED_AT, SYNC_STARTED_AT = "_SDC_BATCHED_AT", "_SDC_SYNC_STARTED_AT"
BATCH_METADATA = {BATCHED_AT: TIMESTAMP, SYNC_STARTED_AT: INTEGER}
"""Those that are the same for all rows of a batch."""

IDENTITY = {SEQUENCE: INTEGER, REQUEST_ID: TEXT}
"""Columns of every table, also where add_record_metadata is off."""

OWN = {*METADATA, *BATCH_METADATA, *IDENTITY, *OWN_ALONE}
"""Columns that this target fills itself."""


@dataclass(frozen=True)
class OwnColumns:
    """Those of one table.

    ``adds_metadata`` says whether it gets Meltano's metadata, ``numbers_rows`` whether
    its rows are known by their place in a batch, not by a key.
    """

    adds_metadata: bool
    numbers_rows: bool

    def types(self) -> dict[str, ColumnType]:
        """Return the columns."""
        metadata = {name: column for name, (_, column) in METADATA.items()}
        return {
            **(metadata | BATCH_METADATA if self.adds_metadata else {}),
            **({ROW: INTEGER} if self.numbers_rows else {}),
            **IDENTITY,
        }

    def meant_by(self, property_name: str) -> bool:
        """Whether a property brings what such a column says, as other targets write."""
        metadata = {*METADATA, *BATCH_METADATA} if self.adds_metadata else set()
        return property_name.upper() in {SEQUENCE, *metadata}

    def of_elements(
        self, table: Mapping[str, ColumnType], filled: Mapping[str, str]
    ) -> list[Source]:
        """Read what stands beside each record.

        Without metadata, rows may still be marked as deleted, and one that comes again
        is not any more: an element without metadata has no such time.
        """
        keys = {name: key for name, (key, _) in METADATA.items()}
        if not self.adds_metadata:
            is_marked = DELETED_AT in table and DELETED_AT not in filled.values()
            keys = {DELETED_AT: keys[DELETED_AT]} if is_marked else {}
        return [
            element_source(SEQUENCE, "sequence", INTEGER),
            *(element_source(name, key, table[name]) for name, key in keys.items()),
            *([row_source()] if self.numbers_rows else []),
        ]

    def of_batch(
        self, table: Mapping[str, ColumnType], request_id: str, sync_started_at: int
    ) -> list[Source]:
        """Give what is the same in all rows of a batch."""
        values = {REQUEST_ID: request_id}
        if self.adds_metadata:
            values[BATCHED_AT] = now()
            values[SYNC_STARTED_AT] = str(sync_started_at)
        return [
            constant_source(name, value, table[name]) for name, value in values.items()
        ]
