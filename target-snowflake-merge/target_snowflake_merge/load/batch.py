"""The rows that wait for one table, until one statement of the journal loads them."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from target_snowflake_merge.journal.entry import Entry, checksum
from target_snowflake_merge.journal.entry import now as journal_now
from target_snowflake_merge.schema.date_times import now
from target_snowflake_merge.warehouse import statements

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

    from target_snowflake_merge.load.checkpoints import Checkpoints, Place
    from target_snowflake_merge.load.loader import Loader
    from target_snowflake_merge.warehouse.connector import Table
    from target_snowflake_merge.warehouse.metadata_columns import OwnColumns


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What the batches of a run share."""

    settings: Mapping[str, Any]
    destination: str
    """Names account, database and schema."""

    loader: Loader
    checkpoints: Checkpoints
    begin: Callable[[], None]
    """Notes that a batch has its first row."""


@dataclass(kw_only=True)
class Batch:
    """The rows of one stream, under one schema, that wait for their table.

    All rows of a batch are of one version, so that a replay can tell what an
    ACTIVATE_VERSION has removed.
    """

    run: Shared
    stream: str
    source: str
    """The stream as the tap calls it, whatever stream_maps make of its name."""

    properties: Collection[str]
    """What the stream's schema describes."""

    keys: Sequence[str]
    """The properties by which its records are known."""

    matched: Sequence[str]
    """The columns by which rows are found again; none where all are new."""

    load_method: str
    """What the journal and the ledger say about it."""

    places: Collection[Place]
    """Under which names the states are held beside that of the rows that wait."""

    filled: Table
    columns: Sequence[statements.Source]
    own: OwnColumns
    sync_started_at: int
    """When the run began, in milliseconds since 1970."""

    timer: AbstractContextManager[object]
    """Measures how long it takes to hand a batch over."""

    since: float | None = field(default=None, init=False)
    """When its first row came, by the monotonic clock."""

    _rows: list[bytes] = field(default_factory=list, init=False)
    _bytes: int = field(default=0, init=False)
    _first_sequence: int = field(default=0, init=False)
    _last_sequence: int = field(default=0, init=False)
    _version: int | None = field(default=None, init=False)

    @property
    def place(self) -> Place:
        """Under which name the states are held for the rows that wait."""
        return ("filling", self.stream)

    @property
    def announced(self) -> Place:
        """Under which name they are held for a version that was announced."""
        return ("announced", self.stream)

    @property
    def table(self) -> str:
        """The qualified name of the table in which the rows end."""
        return self.filled.destination

    def add(self, row: bytes, sequence: int, version: int | None) -> None:
        """Take a row; what waits goes first where the row does not fit to it."""
        size = self._bytes + len(row) + len("[]")
        if version != self._version or size > self.run.settings["batch_size_bytes"]:
            self.send()
        if not self._rows:
            self._first_sequence = sequence
            self._version = version
            self.since = time.monotonic()
            self.run.begin()
            for place in (self.place, *self.places):
                self.run.checkpoints.open(place)
        self._last_sequence = sequence
        self._rows.append(row)
        self._bytes += len(row) + len(",")
        is_full = len(self._rows) >= self.run.settings["batch_size_rows"]
        if is_full or self._bytes >= self.run.settings["batch_size_bytes"]:
            self.send()

    def send(self) -> None:
        """Send the rows that wait, once their table has nothing in flight.

        Raises:
            TargetError: Something that was sent before has failed.
        """
        if self._rows:
            rows, self._rows, self._bytes = self._rows, [], 0
            self.since = None
            payload = b"[" + b",".join(rows) + b"]"
            with self.timer:
                self.run.loader.send(
                    self._merge(payload, len(rows)), payload, self.place
                )

    def _merge(self, payload: bytes, rows: int) -> Entry:
        """Make the MERGE of the rows that wait."""
        request_id = str(uuid.uuid4())
        own = self.own.of_batch(self.filled.columns, request_id, self.sync_started_at)
        sources = [*self.columns, *own]
        sql = statements.merge(self.filled.qualified, sources, self.matched)
        insertion = statements.insertion([source.name for source in sources])
        return self.entry(
            request_id=request_id,
            kind="merge",
            load_method=self.load_method,
            keys=tuple(self.keys),
            sql=sql,
            insertion_at=len(sql) - len(insertion),
            rows=rows,
            bytes=len(payload),
            checksum=checksum(payload),
            first_sequence=self._first_sequence,
            last_sequence=self._last_sequence,
            version=self._version,
        )

    def has_begun(self, version: int) -> bool:
        """Whether a record of a version has come in this run."""
        return version in self.filled.order.first_of_version

    def activation(self, version: int) -> Entry:
        """Make the statement that removes what a version has not shown."""
        table = self.filled.qualified
        first = self.filled.order.first_of_version[version]
        if self.run.settings["hard_delete"]:
            method, sql = "hard_delete", statements.delete(table, first, version)
        else:
            method = "soft_delete"
            column = self.filled.columns[statements.DELETED_AT]
            sql = statements.mark_deleted(table, now(), first, version, column)
        return self.entry(
            kind="activate_version",
            load_method=method,
            sql=sql,
            version=version,
            first_sequence=first,
            last_sequence=first,
        )

    def entry(self, *, request_id: str = "", **fields: Any) -> Entry:  # noqa: ANN401 - the fields of Entry
        """Make a statement for the journal; without more, it has no rows."""
        request_id = request_id or str(uuid.uuid4())
        return Entry(
            request_id=request_id,
            batch_id=request_id,
            run_id=self.run.loader.run_id,
            destination=self.run.destination,
            stream=self.stream,
            table=self.table,
            aside=self.filled.qualified if self.filled.replaces else "",
            created_at=journal_now(),
            **{"checksum": checksum(b""), **fields},
        )
