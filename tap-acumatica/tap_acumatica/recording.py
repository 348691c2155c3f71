"""From the rows that the server answers to the records of a stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_acumatica.unwrapping import Unwrapper

if TYPE_CHECKING:
    from collections.abc import Collection
    from logging import Logger

    from tap_acumatica.conformance import Conformer
    from tap_acumatica.paging import Row
    from tap_acumatica.schema import Structure

Record = dict[str, Any]


@dataclass
class Recorder:
    """Makes records of rows, and says at the end what was odd about them.

    Attributes:
        name: The stream.
        structure: How its records are made up.
        conformer: Makes their values conform to the schema.
        fields: The names that the schema has.
        logger: Where to say what is odd.
        trim: Whether trailing spaces are cut off.
        has_ids: Whether records have the ids of their rows.
        records: How many records there were.
    """

    name: str
    structure: Structure
    conformer: Conformer
    fields: Collection[str]
    logger: Logger
    trim: bool
    has_ids: bool
    records: int = 0
    _errors: int = 0
    _custom_came: bool = False
    _unknown: set[str] = field(default_factory=set)

    def record(self, row: Row) -> Record:
        """Return the record of a row."""
        unwrapper = Unwrapper(trim=self.trim)
        record = unwrapper.record(row)
        for error in unwrapper.errors:
            self._errors += 1
            self.logger.warning(
                "%s, record %s: the server reports an error on %s: %s",
                self.name,
                row["id"],
                error.path or "the record",
                error.message,
            )
        self.structure.fill(record)
        self.records += 1
        self._custom_came |= bool(record.get("custom"))
        self.conformer.conform(record, row["id"])
        if not self.has_ids:
            del record["id"]
        self._drop_unknown(record)
        return record

    def _drop_unknown(self, record: Record) -> None:
        for name in record.keys() - self.fields:
            del record[name]
            if name not in self._unknown:
                self._unknown.add(name)
                self.logger.warning(
                    "%s: field %s is not in the endpoint's swagger and is left out.",
                    self.name,
                    name,
                )

    def conclude(self, *, asks_for_custom: bool) -> None:
        """Say what was odd about the records.

        Args:
            asks_for_custom: Whether they were to have custom fields.
        """
        self.conformer.conclude()
        if self._errors:
            self.logger.warning(
                "%s: the server reported %d errors on records or fields, see above.",
                self.name,
                self._errors,
            )
        if self.records and asks_for_custom and not self._custom_came:
            self.logger.warning(
                "%s: custom fields were asked for, but no record has brought any; does "
                "the user's role include the form's custom elements?",
                self.name,
            )
