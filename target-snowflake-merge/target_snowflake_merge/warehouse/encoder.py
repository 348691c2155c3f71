"""Records as elements of the array that is sent."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from target_snowflake_merge.errors import (
    InvalidDateError,
    TargetError,
    ValueRefusedError,
    excerpt,
    record_label,
)
from target_snowflake_merge.schema.date_times import (
    in_utc,
    microseconds,
    now,
    timestamp,
)
from target_snowflake_merge.schema.kinds import TIMESTAMP, Kind, converter
from target_snowflake_merge.schema.values import NO_TEXT_LIMIT, encoder
from target_snowflake_merge.warehouse.statements import widen_column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_snowflake_merge.schema.kinds import ColumnType
    from target_snowflake_merge.warehouse.connector import Table
    from target_snowflake_merge.warehouse.metadata_columns import OwnColumns

logger = logging.getLogger(__name__)

DELETED_AT = "_sdc_deleted_at"
"""The property by which a tap says that a record is deleted at the source."""


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


@dataclass(frozen=True)
class RowOptions:
    """What else becomes of the records of a stream.

    Args:
        own: The columns that the target fills itself.
        deleted_by: The property that says when a record was deleted, if any.
        nulls_invalid_dates: Whether a text that is no date becomes null, unless it is
            a part of the key.
        wanted: The types that the schema asks for; the table may have others.
    """

    own: OwnColumns
    deleted_by: str | None
    nulls_invalid_dates: bool
    wanted: Mapping[str, ColumnType]


class ElementEncoder:
    """Encodes the records of one stream under one schema."""

    def __init__(
        self,
        table: Table,
        properties: Mapping[str, str],
        keys: Sequence[str],
        options: RowOptions,
    ) -> None:
        """Choose how each property is sent."""
        self._table = table
        self._names = properties
        self._keys = keys
        self._options = options
        self._invalid_dates: Counter[str] = Counter()
        self._row = 0
        self._extracted = ("", "", 0)
        self._columns = {key: table.columns[name] for key, name in properties.items()}
        self._converters = [
            (key, converter(column, options.wanted[key].texts))
            for key, column in self._columns.items()
        ]

    def encode(
        self, record: dict[str, Any], message: Mapping[str, Any]
    ) -> tuple[int, bytes]:
        """Give a record its place in the order and encode it.

        Returns:
            Its sequence and its element, as JSON.

        Raises:
            TargetError: A value cannot be loaded exactly.
        """
        extracted_at, microseconds = self._observed_at(message)
        version = message.get("version")
        element = Element(
            self._converted(record), self._table.order.next(microseconds, version)
        )
        if self._options.own.numbers_rows:
            self._row += 1
            element.row = self._row
        if self._options.own.adds_metadata:
            element.extracted_at = extracted_at
            element.received_at = now()
            element.table_version = version
            if self._options.deleted_by:
                element.deleted_at = self._deleted_at(record, self._options.deleted_by)
        elif record.get(DELETED_AT) and DELETED_AT not in self._columns:
            where = record_label(self._table.stream, self._keys, record)
            raise TargetError(
                f"{where}: {DELETED_AT} says that it is deleted, and the table cannot, "
                "since add_record_metadata is off; set it to true."
            )
        return element.sequence, encoder.encode(element)

    def _converted(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return the properties that are not null, ready to be cast."""
        converted: dict[str, Any] = {}
        for key, convert in self._converters:
            value = record.get(key)
            if value is None:
                continue
            try:
                converted[key] = convert(value)
            except ValueRefusedError as error:
                if not self._may_be_null(key, error):
                    raise self._refusal(
                        record, key, error, self._columns[key]
                    ) from error
                self._warn(record, key)
        return converted

    def _may_be_null(self, key: str, error: ValueRefusedError) -> bool:
        is_date = isinstance(error, InvalidDateError)
        nulls = self._options.nulls_invalid_dates
        return is_date and nulls and key not in self._keys

    def _warn(self, record: dict[str, Any], key: str) -> None:
        """Say that a date is lost: the first, the tenth, the hundredth of a property.

        A source that has one such date often has a million of them.
        """
        self._invalid_dates[key] += 1
        count = self._invalid_dates[key]
        if str(count).strip("0") == "1":
            where = record_label(self._table.stream, self._keys, record)
            logger.warning(
                "%s: property %s is no date that Snowflake knows: %s; it is loaded as "
                "null, as were %s before it",
                *(where, key, excerpt(record[key]), count - 1),
            )

    def _deleted_at(self, record: dict[str, Any], key: str) -> str | None:
        value = record.get(key)
        if not value:
            return None
        try:
            return in_utc(timestamp(value))
        except ValueRefusedError as error:
            raise self._refusal(record, key, error, TIMESTAMP) from error

    def _refusal(
        self,
        record: dict[str, Any],
        key: str,
        error: ValueRefusedError,
        column: ColumnType,
    ) -> TargetError:
        """Name stream, record, property, value and type of a value that is refused."""
        where = record_label(self._table.stream, self._keys, record)
        return TargetError(
            f"{where}: property {key} {error}: {excerpt(record[key])}; its column is "
            f"{column}: {self._remedy(record, key, column)}."
        )

    def _remedy(self, record: dict[str, Any], key: str, column: ColumnType) -> str:
        """Say what to do: a column of the type that the schema asks for may do.

        One that is made for a text without a length holds no more than before.
        """
        wanted = self._options.wanted.get(key)
        with suppress(ValueRefusedError):  # which is then the value's fault
            if wanted:
                converter(wanted, wanted.texts)(record[key])
                if wanted.kind is column.kind is Kind.VARCHAR:
                    return f"let it hold more, by {self._widening(key, column)}"
                return (
                    f"rename or drop column {self._names[key]} of table "
                    f"{self._table.destination}, so that the next load makes one of "
                    f"{wanted}, which the schema asks for"
                )
        return "correct the value in the source or the type in the tap's catalog"

    def _widening(self, key: str, column: ColumnType) -> str:
        longest = replace(column, length=NO_TEXT_LIMIT)
        sql = widen_column(self._table.destination, self._names[key], longest)
        return f"{sql}, which accounts take that know texts of 128 MB"

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
                    f"{excerpt(said)}; correct the tap."
                ) from error
            self._extracted = (said, in_utc(text), microseconds(text))
        return self._extracted[1:]
