"""The records of one stream under one schema: validated, encoded, handed to a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk import Target
from singer_sdk.sinks import Sink
from typing_extensions import override

from target_snowflake_merge.errors import (
    EXCERPT_LENGTH,
    MissingKeyError,
    RecordRefusedError,
    TargetError,
    one_line,
    record_label,
)
from target_snowflake_merge.load.batch import Batch
from target_snowflake_merge.schema.column_types import column_type
from target_snowflake_merge.schema.kinds import Kind
from target_snowflake_merge.schema.upgrade import newest
from target_snowflake_merge.schema.validation import RecordValidator
from target_snowflake_merge.warehouse import identifiers, statements
from target_snowflake_merge.warehouse.encoder import (
    DELETED_AT,
    ElementEncoder,
    RowOptions,
)
from target_snowflake_merge.warehouse.metadata_columns import OWN, OwnColumns
from target_snowflake_merge.warehouse.sequence import clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_snowflake_merge.load.run import Run
    from target_snowflake_merge.schema.kinds import ColumnType
    from target_snowflake_merge.warehouse.connector import Table


class RunningTarget(Target):
    """What a sink needs of its target."""

    run: Run


class MergeSink(Sink):
    """Takes the records of one stream under one schema."""

    def __init__(
        self,
        target: RunningTarget,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
    ) -> None:
        """Understand the stream's schema and make its table ready.

        Raises:
            TargetError: A name is impossible or taken, a key is no property, the
                schema is none, or its table cannot be made ready.
        """
        super().__init__(target, stream_name, schema, key_properties)
        self._run = target.run
        self._rules = (
            RecordValidator(schema, stream_name) if self.validate_schema else None
        )
        self._match = self._run.method.matched_by(self.key_properties)
        self._own = OwnColumns(
            adds_metadata=self.config["add_record_metadata"],
            numbers_rows=not self._match,
        )
        self._message: Mapping[str, Any] = {}
        self._deleted_by = DELETED_AT if self._own.adds_metadata else None
        self._properties = self._named_properties()
        self._unknown = {self._deleted_by}
        self._check_keys()
        # Not in setup(): the SDK logs an error of its own when that fails.
        self._batch, self._encoder = self._prepared()

    def _named_properties(self) -> dict[str, str]:
        """Pair the properties with the names of their columns.

        Records that another target has written bring metadata of its own: the columns
        tell of this load, and only when a record was deleted is taken over.
        """
        own = list(filter(self._own.meant_by, self.schema["properties"]))
        deleted = [key for key in own if key.upper() == statements.DELETED_AT]
        if deleted:
            [self._deleted_by] = identifiers.columns(self.stream_name, deleted)
        for key in own:
            if key not in deleted:
                self.logger.warning(
                    "Stream %s: property %s is not loaded, since column %s tells of "
                    "this load; rename the property with stream_maps to keep it",
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

    def _prepared(self) -> tuple[Batch, ElementEncoder]:
        """Make the table ready and choose how each property is sent."""
        types = self._types()
        filled = self._filled(types)
        names = {key: filled.called[name] for key, name in self._properties.items()}
        options = RowOptions(
            own=self._own,
            deleted_by=self._deleted_by,
            nulls_invalid_dates=self.config["invalid_dates"] == "null",
            wanted=types,
        )
        encoder = ElementEncoder(filled, names, self.key_properties, options)
        return self._run.add(self._made_batch(filled, names)), encoder

    def _filled(self, types: Mapping[str, ColumnType]) -> Table:
        """Make the table ready that gets the rows."""
        run = self._run
        wanted = {self._properties[key]: types[key] for key in types}
        wanted |= self._own.types()
        filled = run.connector.prepare(
            self.stream_name,
            wanted,
            own=wanted.keys() & OWN - set(self._properties.values()),
            keys=[self._properties[key] for key in self._match],
            name_replacement=run.method.names_table(run.loader.run_id),
        )
        filled.order.raise_floor(run.ledger.floor(filled.destination), clock())
        return filled

    def _made_batch(self, filled: Table, names: Mapping[str, str]) -> Batch:
        return Batch(
            run=self._run.shared,
            stream=self.stream_name,
            source=self._run.source(self.stream_name),
            properties=self.schema["properties"],
            keys=self.key_properties,
            matched=[names[key] for key in self._match],
            load_method=self._run.method.told(self.key_properties),
            places=self._run.method.places(self.stream_name),
            filled=filled,
            columns=[
                *statements.property_sources(names, filled.columns),
                *self._own.of_elements(filled.columns, names),
            ],
            own=self._own,
            sync_started_at=self.sync_started_at,
            timer=self.batch_processing_timer,
        )

    def _types(self) -> dict[str, ColumnType]:
        """Return the types that the schema asks for, by property."""
        number = Kind(self.config["number_type"])
        schema = newest(self.schema, left_out=())
        return {
            key: column_type(schema["properties"][key], schema, number=number)
            for key in self._properties
        }

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
    def get_validator(self) -> None:
        """Leave validation to `_validate_and_parse`: the SDK's logs a traceback."""

    @override
    def _validate_and_parse(self, record: dict[str, Any]) -> dict[str, Any]:
        """Validate, and leave dates as text: parsing them would cut them."""
        try:
            if self._rules:
                self._rules.validate(record)
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
        """Encode a record, and hand it to the batch, which sends itself in time."""
        self._run.completeness.record(self._batch.source)
        sequence, row = self._encoder.encode(record, self._message)
        self._batch.add(row, sequence, self._message.get("version"))

    @property
    @override
    def is_full(self) -> bool:
        """Never true, so that the SDK leaves the batch alone."""
        return False

    @override
    def process_batch(self, context: dict[str, Any]) -> None:
        """Do nothing, as nothing waits here."""
