"""The table ``_SDC_LOADS``: one row for each statement that changes data."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from target_snowflake_merge.errors import StatementTooLargeError, TargetError
from target_snowflake_merge.schema.kinds import INTEGER, TEXT, TIMESTAMP
from target_snowflake_merge.sql_api import autocommit
from target_snowflake_merge.warehouse import statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from target_snowflake_merge.journal.entry import Entry
    from target_snowflake_merge.sql_api.client import Result
    from target_snowflake_merge.warehouse.connector import Connector, Table

NAME = "_SDC_LOADS"
KEY = "REQUEST_ID"

COLUMNS = {
    KEY: TEXT,
    "BATCH_ID": TEXT,
    "STATEMENT_HANDLE": TEXT,
    "RUN_ID": TEXT,
    "STREAM": TEXT,
    "TABLE_NAME": TEXT,
    "KIND": TEXT,
    "LOAD_METHOD": TEXT,
    "STATUS": TEXT,
    "ERROR": TEXT,
    "ROWS": INTEGER,
    "BYTES": INTEGER,
    "INSERTED": INTEGER,
    "UPDATED": INTEGER,
    "DELETED": INTEGER,
    "CHECKSUM": TEXT,
    "FIRST_SEQUENCE": INTEGER,
    "LAST_SEQUENCE": INTEGER,
    "TABLE_VERSION": INTEGER,
    "ATTEMPTS": INTEGER,
    "STARTED_AT": TIMESTAMP,
    "FINISHED_AT": TIMESTAMP,
}
"""``BATCH_ID`` is the ``_SDC_REQUEST_ID`` of the rows: the request id of the first
statement that had them, which a replay or a half of a large batch keeps."""

ROWS_PER_STATEMENT = 500

REMOVING = {"activate_version", "overwrite"}
"""Statements that remove what was observed before their first sequence."""

EXECUTED = {"loaded", "in_flight"}
"""The states of statements that were executed, or may be at any moment."""


@dataclass(frozen=True)
class Removal:
    """A statement that removes rows: they must not come back."""

    first_sequence: int
    version: int


class Ledger:
    """Reads and writes the ledger of one schema.

    Workers may take guards into account and ask for them; the rest belongs to the main
    thread.
    """

    def __init__(self, connector: Connector) -> None:
        """Prepare to talk; nothing is sent yet."""
        self._connector = connector
        self._table: Table | None = None
        self._floors: dict[str, int] = {}
        self._guards = threading.Lock()
        self._removals: dict[str, set[Removal]] = {}
        self._keyed: dict[str, int] = {}

    def open(self) -> None:
        """Make the table where it is missing, and read what guards the others.

        Whoever is to change data opens the ledger first, so whether changes stay is
        looked at here, once a run.

        Raises:
            TargetError: The role may not do what is needed, or nothing would stay.
        """
        if self._table is None:
            autocommit.check(self._query(autocommit.SHOW).rows)
            self._table = self._connector.prepare(NAME, COLUMNS)
            self._read()

    def _read(self) -> None:
        table = self._opened()
        for row in self._query(statements.watermarks(table.qualified)).rows:
            name, last = str(row["TABLE_NAME"]), int(row["LAST_SEQUENCE"] or 0)
            self._floors[name] = max(last, self._floors.get(name, 0))
            self._note_key(name, row["LOAD_METHOD"], row["STATUS"], last)
            if row["KIND"] in REMOVING and row["STATUS"] == "loaded":
                removal = Removal(last, int(row["TABLE_VERSION"] or 0))
                self._removals.setdefault(name, set()).add(removal)

    def floor(self, table: str) -> int:
        """Return the largest sequence that any statement for a table has had.

        Rows that were really deleted are gone from the table, and batches that have
        failed never came there; their sequences are not given again all the same.
        """
        return self._floors.get(table, 0)

    def note(self, entry: Entry) -> None:
        """Take a statement's sequences into account, written down or not."""
        floor = max(entry.last_sequence or 0, self.floor(entry.table))
        self._floors[entry.table] = floor
        self.learn_removals(entry)

    def learn_removals(self, entry: Entry) -> None:
        """Take into account what a statement keeps from being sent again after it.

        A removal in flight counts as well: it may be executed at any moment, and the
        source no longer has what it removes.
        """
        last = entry.last_sequence or 0
        with self._guards:
            self._note_key(entry.table, entry.load_method, entry.status, last)
            if entry.kind in REMOVING and entry.status in EXECUTED:
                removal = Removal(last, entry.version or 0)
                self._removals.setdefault(entry.table, set()).add(removal)

    def _note_key(
        self, table: str, method: str | None, status: str | None, sequence: int
    ) -> None:
        if method == "upsert" and status in EXECUTED:
            self._keyed[table] = max(sequence, self._keyed.get(table, 0))

    def first_insertable(self, entry: Entry) -> int | None:
        """Return the first sequence that a batch may insert; None for any.

        What an ACTIVATE_VERSION or an overwrite has removed, or would have if it had
        been there, does not come back; rows of that version were not removed.
        """
        with self._guards:
            removals = self._removals.get(entry.table, ())
            others = (r for r in removals if r.version != entry.version)
            return max((r.first_sequence for r in others), default=None)

    def guarded(self, entry: Entry) -> Entry:
        """Let a new MERGE not insert what another run has removed meanwhile.

        Rows that were read before that run began may be loaded after it has ended.
        """
        first = None if entry.aside else self.first_insertable(entry)
        if entry.insertion_at is None or first is None:
            return entry
        if (entry.first_sequence or 0) >= first:
            return entry
        sql = statements.guarded(entry.sql, entry.insertion_at, first)
        return replace(entry, sql=sql)

    def is_keyed_since(self, entry: Entry) -> bool:
        """Whether a table may have been loaded by key after rows were appended to it.

        A row that was found by its key belongs to the batch that has replaced it, so an
        appended batch no longer knows its own rows, and would insert them once more.
        """
        first = entry.first_sequence or 0
        is_appended = entry.load_method == "append-only"
        return is_appended and self._keyed.get(entry.table, 0) >= first

    def write(self, entries: Sequence[Entry]) -> None:
        """Write what is known about statements, over what was known before.

        Raises:
            TargetError: It is not written, or perhaps not.
        """
        if not entries:
            return
        self.open()
        rows = [_row(entry) for entry in entries]
        for start in range(0, len(rows), ROWS_PER_STATEMENT):
            self._upsert(rows[start : start + ROWS_PER_STATEMENT])
        for entry in entries:
            self.note(entry)

    def _upsert(self, rows: list[dict[str, Any]]) -> None:
        """Write rows; too many for one statement, as errors are long, are halved."""
        sql = statements.upsert(self._opened().qualified, COLUMNS, KEY)
        try:
            self._query(sql, msgspec.json.encode(rows).decode())
        except StatementTooLargeError:
            if len(rows) == 1:
                raise
            middle = len(rows) // 2
            self._upsert(rows[:middle])
            self._upsert(rows[middle:])

    def newest(self, stream: str | None, limit: int) -> list[dict[str, str | None]]:
        """Return the newest statements, those that have failed first.

        Raises:
            TargetError: The table cannot be read.
        """
        table = self._connector.qualified(NAME)
        sql = statements.loads(table, limit, by_stream=stream is not None)
        binds = [stream] if stream else []
        return self._query(sql, *binds).rows

    def _opened(self) -> Table:
        if self._table is None:
            raise TargetError("The ledger was not opened.")
        return self._table

    def _query(self, sql: str, *binds: str) -> Result:
        table = self._connector.qualified(NAME)
        return self._connector.query(NAME, table, sql, *binds)


def _row(entry: Entry) -> dict[str, Any]:
    known = {
        **msgspec.structs.asdict(entry),
        "table_name": entry.table,
        "table_version": entry.version,
    }
    return dict(_cells(known))


def _cells(known: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, column in COLUMNS.items():
        value = known[name.lower()]
        # As text: a number keeps its digits, a time has the format of the statements.
        yield name, value if value is None or column == TEXT else str(value)
