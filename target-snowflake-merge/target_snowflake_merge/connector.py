"""Tables in Snowflake: making them ready, and loading batches into them."""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from target_snowflake_merge import statements
from target_snowflake_merge.errors import StatementError, TargetError
from target_snowflake_merge.sql_api import Result, Statement
from target_snowflake_merge.types import from_information_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_snowflake_merge.journal import Entry
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

    def rise_to(self, sequence: int) -> None:
        """Give no sequence again that is this one or before it."""
        self.last_sequence = max(self.last_sequence, sequence)


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

    def qualified(self, name: str) -> str:
        """Return the qualified name of a table of the schema."""
        return statements.qualified(self._database, self._schema, name)

    def _find_or_create(
        self, stream: str, name: str, wanted: Mapping[str, ColumnType]
    ) -> Table:
        table = Table(stream, name, self.qualified(name))
        sql = statements.table_columns(self._database)
        for row in self._ask(table, sql, self._schema, name).rows:
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
        if not self._ask(table, sql, self._schema).rows:
            schema = statements.create_schema(self._database, self._schema)
            self._ask(table, schema)
        self._ask(table, statements.create_table(table.qualified, wanted))
        table.columns.update(wanted)
        logger.info("Created table %s for stream %s", table.qualified, table.stream)

    def _largest_sequence(self, table: Table) -> int:
        result = self._ask(table, statements.largest_sequence(table.qualified))
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
            self._ask(table, sql)
            table.columns[name] = column

    def _ask(self, table: Table, sql: str, *binds: str) -> Result:
        return self.query(table.stream, table.qualified, sql, *binds)

    def execute(
        self,
        entry: Entry,
        payload: bytes,
        *,
        first_sequence: int | None = None,
        sent_before: bool = False,
    ) -> Result:
        """Execute a statement of the journal.

        Args:
            entry: The statement.
            payload: Its bind; empty where it has none.
            first_sequence: The first sequence that it may insert; None for any.
            sent_before: Whether it may have been sent already, by a run that has ended.

        Returns:
            Its result.

        Raises:
            StatementTooLargeError: Fewer rows may pass.
            StatementError: Snowflake refused it: it was not executed.
            TargetError: It was not executed, or perhaps it was.
        """
        sql = entry.sql
        if entry.insertion_at is not None and first_sequence is not None:
            sql = statements.guarded(sql, entry.insertion_at, first_sequence)
        tag = self._tag(entry.stream, entry.request_id)
        binds = (payload.decode(),) if payload else ()
        statement = Statement(sql, entry.request_id, binds, tag, sent_before)
        return self._send(entry.stream, entry.table, statement)

    def query(self, stream: str, table: str, sql: str, *binds: str) -> Result:
        """Execute a statement that may be repeated without harm.

        Args:
            stream: On whose behalf, for the query tag.
            table: The qualified name of the table, for an error.
            sql: The statement.
            binds: Its binds.

        Returns:
            Its result.

        Raises:
            TargetError: It was not executed, or perhaps it was.
        """
        request_id = str(uuid.uuid4())
        tag = self._tag(stream, request_id)
        return self._send(stream, table, Statement(sql, request_id, binds, tag))

    def _tag(self, stream: str, request_id: str) -> str:
        return json.dumps(
            {"plugin": self._plugin, "stream": stream, "request_id": request_id}
        )

    def _send(self, stream: str, table: str, statement: Statement) -> Result:
        """Send a statement, and name stream and table when it fails."""
        try:
            return self._api.execute(statement)
        except StatementError as error:
            where = f"Stream {stream}, table {table}"
            raise type(error)(f"{where}: {error}", code=error.code) from error
