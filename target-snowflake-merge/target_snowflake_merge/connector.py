"""Tables in Snowflake: making them ready, and loading batches into them."""

from __future__ import annotations

import json
import logging
import time
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from target_snowflake_merge import statements
from target_snowflake_merge.errors import StatementError, TargetError
from target_snowflake_merge.sql_api import Result, Statement
from target_snowflake_merge.types import from_information_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from target_snowflake_merge.sql_api import SqlApi
    from target_snowflake_merge.types import ColumnType

logger = logging.getLogger(__name__)


@dataclass
class Table:
    """A table, as this run knows it."""

    stream: str
    name: str
    qualified: str
    columns: dict[str, ColumnType] = field(default_factory=dict)

    last_sequence: int = 0
    """The largest sequence that the table held, or that a record of it was given."""

    first_of_version: dict[int, int] = field(default_factory=dict)
    """The sequence of the first record of each version that this run has read."""

    def next_sequence(self, microseconds: int) -> int:
        """Give the next observation its place in the order.

        Args:
            microseconds: When it was made, since 1970.

        Returns:
            That time, or the first number after the last observation's, where the
            clock stood still or went back.
        """
        self.last_sequence = max(microseconds, self.last_sequence + 1)
        return self.last_sequence


@dataclass
class Totals:
    """What this run has loaded."""

    statements: int = 0
    rows: int = 0
    inserted: int = 0
    updated: int = 0

    def add(self, rows: int, result: Result) -> None:
        """Count a loaded batch."""
        self.statements += 1
        self.rows += rows
        self.inserted += result.count("inserted")
        self.updated += result.count("updated")


class Connector:
    """Talks to one schema of one database."""

    def __init__(self, api: SqlApi, database: str, schema: str, plugin: str) -> None:
        """Prepare to talk; nothing is sent yet.

        Args:
            api: Executes the statements.
            database: The database, in any case.
            schema: The schema, in any case; it is made when it is missing.
            plugin: Names this program in the query tags.
        """
        self._api = api
        self._database = database.upper()
        self._schema = schema.upper()
        self._plugin = plugin
        self._tables: dict[str, Table] = {}
        self._totals: dict[str, Totals] = {}

    def prepare(self, stream: str, wanted: Mapping[str, ColumnType]) -> Table:
        """Make a stream's table ready for its columns.

        Args:
            stream: The stream; its name in upper case is the table's.
            wanted: The columns that its records need, in order.

        Returns:
            The table. Its columns may be larger than wanted.

        Raises:
            TargetError: A column of the table cannot hold the stream's values, another
                stream has the table, or the role may not do what is needed.
        """
        name = stream.upper()
        table = self._tables.get(name)
        if table is None:
            table = self._find_or_create(stream, name, wanted)
            self._tables[name] = table
        if table.stream != stream:
            raise TargetError(
                f"Streams {table.stream} and {stream} both belong into table "
                f"{table.qualified}; rename one of them with stream_maps."
            )
        self._evolve(table, wanted)
        return table

    def _find_or_create(
        self, stream: str, name: str, wanted: Mapping[str, ColumnType]
    ) -> Table:
        qualified = statements.qualified(self._database, self._schema, name)
        table = Table(stream, name, qualified)
        sql = statements.table_columns(self._database)
        for row in self._execute(table, sql, self._schema, name).rows:
            table.columns[str(row["COLUMN_NAME"])] = from_information_schema(row)
        if not table.columns:
            self._create(table, wanted)
        elif statements.SEQUENCE in table.columns:
            table.last_sequence = self._largest_sequence(table)
        return table

    def _create(self, table: Table, wanted: Mapping[str, ColumnType]) -> None:
        """Make the table, and its schema only where it is missing.

        A role without the right to make schemas is refused even where the schema is
        there, hence the question first.
        """
        sql = statements.schema_exists(self._database)
        if not self._execute(table, sql, self._schema).rows:
            schema = statements.create_schema(self._database, self._schema)
            self._execute(table, schema)
        self._execute(table, statements.create_table(table.qualified, wanted))
        table.columns.update(wanted)
        logger.info("Created table %s for stream %s", table.qualified, table.stream)

    def _largest_sequence(self, table: Table) -> int:
        result = self._execute(table, statements.largest_sequence(table.qualified))
        return int(Decimal(result.rows[0][statements.SEQUENCE] or 0))

    def _evolve(self, table: Table, wanted: Mapping[str, ColumnType]) -> None:
        """Add new columns, let text columns grow, and stop at any other difference."""
        for name, column in wanted.items():
            present = table.columns.get(name)
            if present is None:
                sql = statements.add_column(table.qualified, name, column)
            elif not present.holds(column):
                raise TargetError(
                    f"Stream {table.stream}: column {name} of table {table.qualified} "
                    f"is {present}, and the stream now needs {column}; rename or drop "
                    "the column, or load the stream into another table."
                )
            elif present.is_shorter(column):
                sql = statements.widen_column(table.qualified, name, column)
            else:
                continue
            self._execute(table, sql)
            table.columns[name] = column

    def load(
        self, table: Table, sql: str, request_id: str, elements: list[bytes]
    ) -> None:
        """Load a batch and log one line about it.

        Args:
            table: The table of the batch.
            sql: The MERGE, whose only bind is the JSON array.
            request_id: The identity of the batch.
            elements: The elements of the array, as JSON.

        Raises:
            StatementTooLargeError: Fewer rows may pass.
            TargetError: The batch is not loaded, or perhaps not.
        """
        started = time.monotonic()
        payload = (b"[" + b",".join(elements) + b"]").decode()
        result = self._execute(table, sql, payload, request_id=request_id)
        rows = len(elements)
        self._totals.setdefault(table.stream, Totals()).add(rows, result)
        logger.info(
            "Loaded %d rows of %s: %d inserted, %d updated (request %s, statement %s, "
            "%.2f s)",
            *(rows, table.stream, result.count("inserted"), result.count("updated")),
            *(request_id, result.handle, time.monotonic() - started),
        )

    def mark_deleted(self, table: Table, version: int, deleted_at: str) -> None:
        """Mark the rows that a complete reading of the source has not shown.

        Args:
            table: The table.
            version: The version of the reading, of which a record has come.
            deleted_at: The time of the mark, as the statements read times.

        Raises:
            TargetError: The rows are not marked, or perhaps not; the mark can be set
                again.
        """
        first = table.first_of_version[version]
        sql = statements.mark_deleted(table.qualified, deleted_at, first, version)
        marked = self._execute(table, sql).count("updated")
        logger.info("Marked %d rows of %s as deleted", marked, table.stream)

    def summary(self) -> Iterator[str]:
        """Say what this run has loaded, a line per stream."""
        for stream, totals in self._totals.items():
            yield (
                f"Stream {stream}: {totals.rows} rows loaded by {totals.statements} "
                f"statements, {totals.inserted} inserted, {totals.updated} updated"
            )

    def _execute(
        self, table: Table, sql: str, *binds: str, request_id: str | None = None
    ) -> Result:
        """Execute a statement on behalf of a table, and name both when it fails."""
        request_id = request_id or str(uuid.uuid4())
        tag = {
            "plugin": self._plugin,
            "stream": table.stream,
            "request_id": request_id,
        }
        statement = Statement(sql, request_id, binds, json.dumps(tag))
        try:
            return self._api.execute(statement)
        except StatementError as error:
            where = f"Stream {table.stream}, table {table.qualified}"
            raise type(error)(f"{where}: {error}", code=error.code) from error
