"""Records as elements of the array that is sent."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec

from target_snowflake_merge.errors import TargetError, one_line
from target_snowflake_merge.values import (
    ValueRefusedError,
    converter,
    encoder,
    timestamp,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_snowflake_merge.connector import Table
    from target_snowflake_merge.values import Converter

VALUE_LIMIT = 100
"""Characters of an offending value that an error shows."""


class Element(msgspec.Struct, omit_defaults=True):
    """An element of the array that is sent: a record and what is known about it.

    The record is an object of its own, beside the metadata, so that its properties and
    theirs cannot meet.
    """

    record: dict[str, Any]
    sequence: int
    row: int | None = None
    extracted_at: str | None = None
    received_at: str | None = None
    deleted_at: str | None = None
    table_version: int | None = None


class ElementEncoder:
    """Encodes the records of one stream under one schema."""

    def __init__(
        self,
        table: Table,
        properties: Mapping[str, str],
        keys: Sequence[str],
        *,
        adds_metadata: bool,
    ) -> None:
        """Choose how each property is sent.

        Args:
            table: The table, which gives the sequences.
            properties: The names of the columns by property.
            keys: The key properties, or none.
            adds_metadata: Whether elements carry what the metadata columns need.
        """
        self._table = table
        self._keys = keys
        self._adds_metadata = adds_metadata
        self._row = 0
        self._extracted = ("", "", 0)
        self._converters = [
            (key, converter(table.columns[name])) for key, name in properties.items()
        ]

    def encode(
        self, record: dict[str, Any], message: Mapping[str, Any]
    ) -> tuple[int, bytes]:
        """Give a record its place in the order and encode it.

        Args:
            record: The record, after stream maps.
            message: The message that brought it.

        Returns:
            Its sequence and its element, as JSON.

        Raises:
            TargetError: A value cannot be loaded exactly.
        """
        extracted_at, microseconds = self._observed_at(message)
        element = Element(
            self._converted(record), self._table.next_sequence(microseconds)
        )
        if not self._keys:
            self._row += 1
            element.row = self._row
        version = message.get("version")
        if version is not None:
            self._table.first_of_version.setdefault(version, element.sequence)
        if self._adds_metadata:
            element.extracted_at = extracted_at
            element.received_at = now()
            element.table_version = version
            deleted_at = record.get("_sdc_deleted_at")
            if deleted_at:
                element.deleted_at = self._sent(
                    record, "_sdc_deleted_at", timestamp, deleted_at
                )
        return element.sequence, encoder.encode(element)

    def _converted(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return the properties that are not null, ready to be cast."""
        return {
            key: self._sent(record, key, convert, value)
            for key, convert in self._converters
            if (value := record.get(key)) is not None
        }

    def _sent(
        self, record: dict[str, Any], key: str, convert: Converter, value: object
    ) -> Any:  # noqa: ANN401 - whatever JSON can hold
        """Convert a value, or name stream, record and property when it is refused."""
        try:
            return convert(value)
        except ValueRefusedError as error:
            where = named(self._table.stream, self._keys, record)
            raise TargetError(
                f"{where}: property {key} {error}: {shown(value)}; correct it in the "
                "source or its type in the tap's catalog."
            ) from error

    def _observed_at(self, message: Mapping[str, Any]) -> tuple[str | None, int]:
        """Return when the record was extracted, as text and in microseconds.

        A record whose tap does not say counts from its arrival.
        """
        said = message.get("time_extracted")
        if not said:
            return None, microseconds(now())
        if said != self._extracted[0]:
            try:
                text = timestamp(said)
            except ValueRefusedError as error:
                raise TargetError(
                    f"Stream {self._table.stream}: time_extracted {error}: "
                    f"{shown(said)}; correct the tap."
                ) from error
            self._extracted = (said, text, microseconds(text))
        return self._extracted[1:]


def named(stream: str, keys: Sequence[str], record: Mapping[str, Any]) -> str:
    """Name a record in an error by its stream and key."""
    key = ", ".join(f"{key} {shown(record.get(key))}" for key in keys)
    return f"Stream {stream}, record {key or '(no key)'}"


def now() -> str:
    """Return the present time as the statements read it."""
    return timestamp(dt.datetime.now(dt.UTC).isoformat())


def microseconds(text: str) -> int:
    """Return the microseconds since 1970 of a time in TIMESTAMP_FORMAT."""
    moment = dt.datetime.fromisoformat(text)
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (moment - epoch) // dt.timedelta(microseconds=1)


def shown(value: object) -> str:
    """Show a value in an error, on one line and cut."""
    return one_line(str(value), VALUE_LIMIT)
