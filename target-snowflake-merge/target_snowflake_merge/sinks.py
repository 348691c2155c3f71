"""The life of a batch: records in, one MERGE out."""

from __future__ import annotations

import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from singer_sdk.sinks import BatchSink
from typing_extensions import override

from target_snowflake_merge.errors import (
    EXCERPT_LENGTH,
    MissingKeyError,
    RecordRefusedError,
    TargetError,
    one_line,
    record_label,
)
from target_snowflake_merge.journal.entry import Entry, checksum
from target_snowflake_merge.journal.entry import now as journal_now
from target_snowflake_merge.schema.column_types import (
    INTEGER,
    TEXT,
    TIMESTAMP,
    ColumnType,
    Kind,
    column_type,
)
from target_snowflake_merge.schema.date_times import now
from target_snowflake_merge.schema.upgrade import newest
from target_snowflake_merge.schema.validation import RecordValidator
from target_snowflake_merge.warehouse import identifiers, replacement_table, statements
from target_snowflake_merge.warehouse.encoder import (
    DELETED_AT,
    ElementEncoder,
    RowOptions,
)
from target_snowflake_merge.warehouse.sequence import clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_snowflake_merge.target import TargetSnowflakeMerge
    from target_snowflake_merge.warehouse.connector import Connector, Table

METADATA = {
    "_SDC_EXTRACTED_AT": ("extracted_at", TIMESTAMP),
    "_SDC_RECEIVED_AT": ("received_at", TIMESTAMP),
    statements.DELETED_AT: ("deleted_at", TIMESTAMP),
    statements.TABLE_VERSION: ("table_version", INTEGER),
}
"""Meltano's metadata columns that each record brings, and their place in `Element`."""

BATCH_METADATA = {"_SDC_BATCHED_AT": TIMESTAMP, "_SDC_SYNC_STARTED_AT": INTEGER}
"""Those that are the same for all rows of a batch."""

IDENTITY = {statements.SEQUENCE: INTEGER, statements.REQUEST_ID: TEXT}
"""Columns of every table, also where add_record_metadata is off."""

OWN = {*METADATA, *BATCH_METADATA, *IDENTITY, *identifiers.OWN}
"""Columns that this target fills itself."""


class MergeSink(BatchSink):
    """Collects the records of one stream under one schema."""

    def __init__(
        self,
        target: TargetSnowflakeMerge,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
    ) -> None:
        """Understand the stream's schema and make its table ready.

        Args:
            target: The target, whose settings and connector are used.
            stream_name: The stream.
            schema: Its JSON Schema.
            key_properties: Its key, or none.

        Raises:
            TargetError: A name is impossible or taken, a key is no property, the
                schema is none, or its table cannot be made ready.
        """
        super().__init__(target, stream_name, schema, key_properties)
        self._records = (
            RecordValidator(schema, stream_name) if self.validate_schema else None
        )
        self._target = target
        self._connector: Connector = target.connector
        self._rows: list[bytes] = []
        self._bytes = 0
        self._first_sequence = self._last_sequence = 0
        self._version: int | None = None
        self.filling_since: float | None = None
        self._message: Mapping[str, Any] = {}
        self._deleted_by = DELETED_AT if self._adds_metadata else None
        self._properties = self._named_properties()
        self._unknown = {self._deleted_by}
        self._check_keys()
        # Not in setup(): the SDK logs an error of its own when that fails.
        self._prepare()

    def _named_properties(self) -> dict[str, str]:
        """Pair the properties with the names of their columns.

        Records that another target has written bring metadata of its own: the columns
        tell of this load, and only when a record was deleted is taken over.
        """
        metadata = {*METADATA, *BATCH_METADATA} if self._adds_metadata else set()
        metadata.add(statements.SEQUENCE)
        own = [key for key in self.schema["properties"] if key.upper() in metadata]
        deleted = [key for key in own if key.upper() == statements.DELETED_AT]
        if deleted:
            [self._deleted_by] = identifiers.columns(self.stream_name, deleted)
        for key in own:
            if key in deleted:
                continue
            self.logger.warning(
                "Stream %s: property %s is not loaded, since column %s tells of this "
                "load; rename the property with stream_maps to keep it",
                *(self.stream_name, key, key.upper()),
            )
        properties = [key for key in self.schema["properties"] if key not in own]
        return identifiers.columns(self.stream_name, properties)

    def _check_keys(self) -> None:
        for key in self.key_properties:
            if key not in self._properties:
                longest = self.config.get("flattening_max_key_length")
                remedy = "correct the tap's catalog"
                if longest and len(key) >= longest:
                    remedy = "raise flattening_max_key_length, which shortens its name"
                raise TargetError(
                    f"Stream {self.stream_name}: the key property {key} is not among "
                    f"the properties of its schema; {remedy}."
                )

    @override
    def get_validator(self) -> None:
        """Leave validation to `_validate_and_parse`: the SDK's logs a traceback."""

    def _prepare(self) -> None:
        """Make the table ready and choose how each property is sent."""
        wanted = self._wanted()
        own = wanted.keys() & OWN - set(self._properties.values())
        run_id = self._target.loader.run_id
        self.filled: Table = self._connector.prepare(
            self.stream_name,
            wanted,
            own=own,
            keys=[self._properties[key] for key in self._match],
            name_aside=partial(replacement_table.name, run_id)
            if self._target.overwrites
            else None,
        )
        self.filled.order.raise_floor(self._target.ledger.floor(self.table), clock())
        types = {key: wanted[name] for key, name in self._properties.items()}
        called, columns = self.filled.called, self.filled.columns
        self._properties = {k: called[name] for k, name in self._properties.items()}
        self._encoder = ElementEncoder(
            self.filled,
            self._properties,
            self.key_properties,
            RowOptions(
                numbers_rows=not self._match,
                adds_metadata=self._adds_metadata,
                deleted_by=self._deleted_by,
                nulls_invalid_dates=self.config["invalid_dates"] == "null",
                wanted=types,
            ),
        )
        self._sources = [
            statements.property_source(name, key, columns[name])
            for key, name in self._properties.items()
        ]
        self._sources += self._element_sources()

    def _wanted(self) -> dict[str, ColumnType]:
        """Return the columns that the stream needs, the record's own ones first."""
        number = Kind(self.config["number_type"])
        schema = newest(self.schema, left_out=())
        wanted = {
            name: column_type(schema["properties"][key], schema, number=number)
            for key, name in self._properties.items()
        }
        if self._adds_metadata:
            wanted |= {name: column for name, (_, column) in METADATA.items()}
            wanted |= BATCH_METADATA
        if not self._match:
            wanted[statements.ROW] = INTEGER
        return wanted | IDENTITY

    def _element_sources(self) -> list[statements.Source]:
        sources = [statements.element_source(statements.SEQUENCE, "sequence", INTEGER)]
        if self._adds_metadata:
            sources += [
                statements.element_source(name, key, self.filled.columns[name])
                for name, (key, _) in METADATA.items()
            ]
        elif self._may_be_marked:
            column = self.filled.columns[statements.DELETED_AT]
            sources.append(
                statements.element_source(statements.DELETED_AT, "deleted_at", column)
            )
        return sources if self._match else [*sources, statements.row_source()]

    @property
    def _may_be_marked(self) -> bool:
        """Whether rows may be marked as deleted; one that comes again is not any more.

        An element without metadata has no such time, and so it becomes null.
        """
        is_filled = statements.DELETED_AT in self._properties.values()
        return statements.DELETED_AT in self.filled.columns and not is_filled

    @property
    def _match(self) -> Sequence[str]:
        """The properties by which rows are found again; none where all are new."""
        appends = self.config["load_method"] == "append-only"
        return () if appends else self.key_properties

    @property
    def _adds_metadata(self) -> bool:
        adds: bool = self.config["add_record_metadata"]
        return adds

    # What the SDK calls for each record, in this order.

    @property
    @override
    def include_sdc_metadata_properties(self) -> bool:
        """Always true: the sequence needs the message also without metadata columns."""
        return True

    @override
    def _add_sdc_metadata_to_schema(self) -> None:
        """Leave the schema alone: metadata stand beside the record, not in it."""

    @override
    def _add_sdc_metadata_to_record(
        self, record: dict[str, Any], message: dict[str, Any], context: dict[str, Any]
    ) -> None:
        """Keep the message at hand for `process_record`."""
        self._message = message

    @override
    def _validate_and_parse(self, record: dict[str, Any]) -> dict[str, Any]:
        """Validate, and leave dates as text: parsing them would cut them."""
        try:
            if self._records:
                self._records.validate(record)
        except RecordRefusedError as error:
            reason = one_line(str(error), 2 * EXCERPT_LENGTH)
            raise TargetError(
                f"{self._label(record)} does not fit its schema: {reason}; correct the "
                "tap's schema or set validate_records to false."
            ) from error
        for key in record.keys() - self.schema["properties"].keys() - self._unknown:
            if record[key] is None:  # such as an object that would have been flattened
                continue
            self._unknown.add(key)
            self.logger.warning(
                "Stream %s: property %s is not in the schema and is not loaded",
                *(self.stream_name, key),
            )
        return record

    @override
    def _singer_validate_message(self, record: dict[str, Any]) -> None:
        """Refuse null keys: no row of the table ever equals them."""
        for key in self.key_properties:
            if record.get(key) is None:
                raise MissingKeyError(
                    f"{self._label(record)}: the key property {key} is null or "
                    "missing; every record needs its whole key."
                )

    def _label(self, record: dict[str, Any]) -> str:
        return record_label(self.stream_name, self.key_properties, record)

    @override
    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        """Encode a record, and send the batch first where the record does not fit.

        All rows of a batch are of one version, so that a replay can tell what an
        ACTIVATE_VERSION has removed.
        """
        version = self._message.get("version")
        if self._rows and version != self._version:
            self._target.drain_one(self)
        self._target.conclusions.record(self.source)
        sequence, row = self._encoder.encode(record, self._message)
        size = self._bytes + len(row) + len("[]")
        if self._rows and size > self.config["batch_size_bytes"]:
            self._target.drain_one(self)
        if not self._rows:
            self._first_sequence = sequence
            self._version = version
            self.filling_since = time.monotonic()
            self._target.begin(self)
        self._last_sequence = sequence
        self._rows.append(row)
        self._bytes += len(row) + len(",")

    # Versions.

    @property
    def source(self) -> str:
        """The stream as the tap calls it, whatever stream_maps make of its name."""
        return self._target.sources.get(self.stream_name, self.stream_name)

    @property
    def place(self) -> tuple[str, str]:
        """Under which name the states are held for the rows that wait."""
        return ("filling", self.stream_name)

    @property
    def table(self) -> str:
        """The qualified name of the table in which the rows end."""
        return self.filled.destination

    def has_begun(self, version: int) -> bool:
        """Whether a record of a version has come in this run."""
        return version in self.filled.order.first_of_version

    @override
    def activate_version(self, new_version: int) -> None:
        """Remove the rows that a complete reading of the source has not shown.

        A version whose records have not come, since the source is empty or has nothing
        new, removes nothing: it would remove every row.
        """
        has_begun = self.has_begun(new_version)
        if not has_begun or not self._adds_metadata:
            self.logger.warning(
                "Stream %s: version %s is not activated, %s; rows that are gone at the "
                "source stay unmarked",
                self.stream_name,
                new_version,
                "no record of it has come"
                if self._adds_metadata
                else "add_record_metadata is off",
            )
            self._target.dismiss(self)
            return
        self._target.activate(self, self._activation(new_version))

    def _activation(self, version: int) -> Entry:
        """Make the statement that removes what a version has not shown."""
        table, first = (
            self.filled.qualified,
            self.filled.order.first_of_version[version],
        )
        if self.config["hard_delete"]:
            method, sql = "hard_delete", statements.delete(table, first, version)
        else:
            method = "soft_delete"
            column = self.filled.columns[statements.DELETED_AT]
            sql = statements.mark_deleted(table, now(), first, version, column)
        return self.entry(
            kind="activate_version",
            load_method=method,
            sql=sql,
            checksum=checksum(b""),
            version=version,
            first_sequence=first,
            last_sequence=first,
        )

    def entry(self, **fields: Any) -> Entry:  # noqa: ANN401 - the fields of Entry
        """Make a statement for the journal."""
        request_id = fields.pop("request_id", None) or str(uuid.uuid4())
        return Entry(
            request_id=request_id,
            batch_id=request_id,
            run_id=self._target.loader.run_id,
            destination=self._target.destination,
            stream=self.stream_name,
            table=self.table,
            aside=self.filled.qualified if self.filled.replaces else "",
            created_at=journal_now(),
            **fields,
        )

    # The batch.

    @property
    @override
    def current_size(self) -> int:
        """Rows that wait; the SDK's own count misses what `process_record` sends."""
        return len(self._rows)

    @property
    @override
    def is_full(self) -> bool:
        rows: int = self.config["batch_size_rows"]
        size: int = self.config["batch_size_bytes"]
        return len(self._rows) >= rows or self._bytes >= size

    @override
    def process_batch(self, context: dict[str, Any]) -> None:
        """Send the rows that wait, once their table has nothing in flight."""
        rows, self._rows, self._bytes = self._rows, [], 0
        self.filling_since = None
        payload = b"[" + b",".join(rows) + b"]"
        self._target.loader.send(self._batch(payload, len(rows)), payload, self.place)

    def _batch(self, payload: bytes, rows: int) -> Entry:
        """Make the MERGE of a batch."""
        request_id = str(uuid.uuid4())
        keys = [self._properties[key] for key in self._match]
        sources = [*self._sources, *self._batch_sources(request_id)]
        sql = statements.merge(self.filled.qualified, sources, keys)
        insertion = statements.insertion([source.name for source in sources])
        return self.entry(
            request_id=request_id,
            kind="merge",
            load_method=self.load_method,
            keys=tuple(self.key_properties),
            sql=sql,
            insertion_at=len(sql) - len(insertion),
            rows=rows,
            bytes=len(payload),
            checksum=checksum(payload),
            first_sequence=self._first_sequence,
            last_sequence=self._last_sequence,
            version=self._version,
        )

    @property
    def load_method(self) -> str:
        """What the journal and the ledger say about a batch."""
        method: str = self.config["load_method"]
        is_keyless = method == "upsert" and not self._match
        return "append-only" if is_keyless else method

    def _batch_sources(self, request_id: str) -> list[statements.Source]:
        """Give the columns that are the same in all rows of a batch."""
        values = {statements.REQUEST_ID: request_id}
        if self._adds_metadata:
            values["_SDC_BATCHED_AT"] = now()
            values["_SDC_SYNC_STARTED_AT"] = str(self.sync_started_at)
        return [
            statements.constant_source(name, value, self.filled.columns[name])
            for name, value in values.items()
        ]
