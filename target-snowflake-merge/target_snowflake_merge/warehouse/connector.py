"""Tables in Snowflake: making them ready, and loading batches into them."""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from target_snowflake_merge.errors import StatementError, TargetError
from target_snowflake_merge.sql_api.client import Result, Statement
from target_snowflake_merge.warehouse import (
    evolution,
    identifiers,
    replacement_table,
    statements,
)
from target_snowflake_merge.warehouse.evolution import TableRequirements
from target_snowflake_merge.warehouse.sequence import Order, clock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from target_snowflake_merge.journal.entry import Entry
    from target_snowflake_merge.schema.kinds import ColumnType
    from target_snowflake_merge.sql_api.client import SqlApi
    from target_snowflake_merge.warehouse.evolution import Column

logger = logging.getLogger(__name__)

MISSING = {"002003", "002043"}
"""Codes that say that an object is not there, or hidden from the role."""


@dataclass
class Table:
    """A table, as this run knows it."""

    stream: str
    name: str
    qualified: str
    order: Order
    columns: dict[str, ColumnType] = field(default_factory=dict)

    called: dict[str, str] = field(default_factory=dict)
    """What the stream's columns are called in the table, by their names in upper case.
    """

    replaces: str = ""
    """The qualified name of the table whose place this one will take, if any."""

    replaced: dict[str, Column] = field(default_factory=dict)
    """The columns of that table when this one was made; none where it is not there."""

    @property
    def destination(self) -> str:
        """The qualified name of the table in which the rows end."""
        return self.replaces or self.qualified


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
        self._started = clock()

    def prepare(
        self,
        stream: str,
        wanted: Mapping[str, ColumnType],
        *,
        own: Collection[str] = (),
        keys: Collection[str] = (),
        name_replacement: Callable[[str], str] | None = None,
    ) -> Table:
        """Make a stream's table ready for its columns.

        Args:
            stream: The stream; its name in upper case is the table's.
            wanted: The columns that its records need, in order.
            own: Those of them that this target fills itself.
            keys: Those of them that are the key.
            name_replacement: Names the table to fill, given the name of the one whose
                place it will take; without it, that one is filled itself.

        Returns:
            The table. Its columns may be larger than wanted.

        Raises:
            TargetError: A column of the table cannot hold the stream's values, another
                stream has the table, or the role may not do what is needed.
        """
        name = identifiers.table(stream)
        table = self._tables.get(name) or Table(
            stream, name, self.qualified(name), Order(self._started)
        )
        if name_replacement and not table.replaces:
            table.replaces = self.qualified(name)
            table.qualified = self.qualified(name_replacement(name))
            table.replaced = self.columns(stream, table.replaces) or {}
        if table.stream != stream:
            raise TargetError(
                f"Streams {table.stream} and {stream} both belong into table "
                f"{table.destination}; rename one of them with stream_maps."
            )
        needed = replacement_table.as_wide(wanted, table.replaced)
        needs = TableRequirements(stream, table.qualified, needed, own, keys)
        evolution.check_new(needs)
        self._evolve(table, needs)
        self._tables[name] = table
        return table

    def qualified(self, name: str) -> str:
        """Return the qualified name of a table of the schema."""
        return statements.qualified(self._database, self._schema, name)

    def tables_that_begin_with(self, prefix: str) -> list[str]:
        """Return the names of the schema's tables that begin in this way.

        Raises:
            TargetError: They cannot be listed.
        """
        sql = replacement_table.tables_that_begin_with(self._database)
        rows = self.query(
            prefix, self.qualified(prefix), sql, self._schema, prefix
        ).rows
        return [str(row["TABLE_NAME"]) for row in rows]

    def drop(self, name: str) -> None:
        """Drop a table of the schema where it is there.

        Raises:
            TargetError: It cannot be dropped.
        """
        table = self.qualified(name)
        self.query(name, table, replacement_table.drop_table(table))

    def _evolve(self, table: Table, needs: TableRequirements) -> None:
        """Change the table until it is ready, whoever else is changing it meanwhile.

        What ADD COLUMN IF NOT EXISTS and CREATE TABLE IF NOT EXISTS have found rather
        than made may be of another type, so the table is looked at again.
        """
        is_known = bool(table.columns)
        columns = self._described(table)
        if columns is None:
            self._create(table, needs.columns)
            columns = self._described(table) or {}
        elif not is_known and statements.SEQUENCE in columns:
            table.order.raise_floor(self._largest_sequence(table), clock())
        changes = evolution.changes(needs, columns)
        while changes:
            refusal = self._change(table, changes)
            columns = self._described(table) or {}
            left = evolution.changes(needs, columns)
            if left == changes:
                raise refusal or TargetError(
                    f"Stream {table.stream}: table {table.qualified} is described as "
                    f"if {changes[0]} had not been executed; look at the table."
                )
            changes = left
        table.columns = {name: column.type for name, column in columns.items()}
        table.called = evolution.named(needs, columns)

    def _described(self, table: Table) -> dict[str, Column] | None:
        return self.columns(table.stream, table.qualified)

    def columns(self, stream: str, table: str) -> dict[str, Column] | None:
        """Return the columns of a table, or None where it is not there.

        Raises:
            TargetError: It cannot be described.
        """
        try:
            rows = self.query(stream, table, statements.describe(table)).rows
        except StatementError as error:
            if error.code in MISSING:
                return None
            raise
        return evolution.read(rows)

    def _change(self, table: Table, changes: list[str]) -> StatementError | None:
        """Execute changes; return why one was refused: others may have made it."""
        for sql in changes:
            try:
                self._ask(table, sql)
            except StatementError as error:
                return error
        return None

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
        logger.info("Created table %s for stream %s", table.qualified, table.stream)

    def _largest_sequence(self, table: Table) -> int:
        result = self._ask(table, statements.largest_sequence(table.qualified))
        return int(Decimal(result.rows[0][statements.SEQUENCE] or 0))

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

        Raises:
            TargetError: It was not executed, or perhaps it was.
        """
        request_id = str(uuid.uuid4())
        tag = self._tag(stream, request_id)
        return self._send(stream, table, Statement(sql, request_id, binds, tag))

    def _tag(self, stream: str, request_id: str) -> str:
        """Say where a statement comes from, within the 2,000 characters of a tag."""
        origin = {"plugin": self._plugin, "stream": stream, "request_id": request_id}
        return json.dumps(origin, ensure_ascii=False)

    def _send(self, stream: str, table: str, statement: Statement) -> Result:
        """Send a statement, and name stream and table when it fails."""
        try:
            return self._api.execute(statement)
        except StatementError as error:
            where = f"Stream {stream}, table {table}"
            raise type(error)(f"{where}: {error}", code=error.code) from error
