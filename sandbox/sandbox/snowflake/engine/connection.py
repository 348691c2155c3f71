"""One session on the embedded engine, and how it runs each kind of statement."""

# ruff: noqa: SLF001 - fakesnow offers neither the result as Arrow nor the connection
# beneath, and a result with two columns of one name needs the former

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # type: ignore[import-untyped] # it ships no types
from sqlglot import exp

from sandbox import config
from sandbox.snowflake.engine import (
    errors,
    history,
    locks,
    merging,
    names,
    parsing,
    rendering,
    timestamp_tz,
    translate,
)
from sandbox.snowflake.engine.catalog import DEFAULT_LENGTH, LENGTHS
from sandbox.snowflake.engine.context import Context, Outcome
from sandbox.snowflake.engine.definitions import Definitions
from sandbox.snowflake.engine.names import folded
from sandbox.snowflake.engine.session import SessionStatements
from sandbox.snowflake.engine.translations import Translations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

WRITES = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
TEXT = "text"
"""Where a parsed statement keeps its text."""
DDL = (exp.Create, exp.Alter, exp.Drop, exp.TruncateTable)


@dataclass(frozen=True)
class Shared:
    """What all sessions share.

    Args:
        locks: Where statements that write await one another.
        translations: What statements were translated to.
    """

    locks: locks.Locks = field(default_factory=locks.Locks)
    translations: Translations = field(default_factory=Translations)


class Connection:
    """A session of one request.

    Args:
        shared: What all sessions share.
        link: fakesnow's connection.
        context: Where and as whom the statements run.
    """

    def __init__(
        self,
        shared: Shared,
        link: Any,  # noqa: ANN401 - fakesnow ships no types
        context: Context,
    ) -> None:
        self.locks = shared.locks
        self.translations = shared.translations
        self.stopped = threading.Event()
        self.link = link
        self.duckdb = link._duck_conn
        self.context = context
        self.in_transaction = False

    def close(self) -> None:
        """End the session; what it has not committed is undone."""
        self._end()
        self.duckdb.close()

    def interrupt(self) -> None:
        """Stop what the session is running, from another thread."""
        self.stopped.set()
        self.duckdb.interrupt()

    def check(self) -> None:
        """Raise when the session was interrupted."""
        if self.stopped.is_set():
            raise errors.cancelled()

    def raw(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run DuckDB's own SQL and return its rows."""
        rows: list[tuple[Any, ...]] = self.duckdb.execute(
            sql, list(parameters)
        ).fetchall()
        return rows

    def enter(self) -> None:
        """Make the context's database, schema and time zone current."""
        self.raw("SET TimeZone = ?", self.context.parameters["TIMEZONE"])
        if self.context.database is None:
            return
        if self.context.database != config.DATABASE:
            raise errors.missing("Database", self.context.database)
        self.link.database, self.link.database_set = config.DATABASE, True
        self.raw(f"SET schema = '{config.DATABASE}.main'")
        if self.context.schema is not None:
            self.use(self.context.schema)

    def use(self, schema: str) -> None:
        """Make a schema current.

        Raises:
            SnowflakeError: It is not there.
        """
        if schema == "INFORMATION_SCHEMA":
            self.link._schema, self.link.schema_set = "_FS_INFORMATION_SCHEMA", True
            return
        schema = names.keep(schema)
        if not self.schema_exists(schema):
            raise errors.missing("Schema", f"{config.DATABASE}.{schema}")
        quoted = schema.replace('"', '""').replace("'", "''")
        self.raw(f"SET schema = '{config.DATABASE}.\"{quoted}\"'")
        self.link._schema, self.link.schema_set = schema, True

    @property
    def schema(self) -> str | None:
        """The current schema by the engine's name."""
        return None if self.context.schema is None else names.keep(self.context.schema)

    def rows(self, sql: str, *parameters: object) -> Outcome:
        """Run DuckDB's own SQL and return its result."""
        self.duckdb.execute(sql, list(parameters))
        types = [str(column[1]) for column in self.duckdb.description]
        return Outcome(self.duckdb.to_arrow_table(), types)

    def parse(self, text: str) -> exp.Expr:
        """Parse one statement and resolve its names.

        Raises:
            SnowflakeError: It is no Snowflake SQL.
        """
        statement = parsing.parse(text)
        if history.redirect(statement):
            self.duckdb.register(history.TABLE, self.context.history.table())
        resolved = self.resolved(statement)
        resolved.meta[TEXT] = text
        return resolved

    def resolved(self, statement: exp.Expr) -> exp.Expr:
        """Resolve the names of a parsed statement."""
        translate.name_columns(statement)
        parameters = self.context.parameters
        translate.map_timestamps(statement, parameters)
        ignore_case = parameters["QUOTED_IDENTIFIERS_IGNORE_CASE"] == "true"
        return names.resolve(statement, ignore_case=ignore_case)

    def schema_exists(self, name: str) -> bool:
        """Say whether the database has a schema of this exact name."""
        found = self.raw(
            "SELECT 1 FROM duckdb_schemas() "
            "WHERE database_name = ? AND schema_name = ?",
            config.DATABASE,
            name,
        )
        return bool(found)

    def execute(self, statement: exp.Expr, binds: Mapping[int, Any]) -> Outcome:
        """Run one statement.

        Args:
            statement: What ``parse`` gave.
            binds: The values of ``:1`` and so on.

        Raises:
            SnowflakeError: Snowflake would refuse it; nothing of it has happened.
        """
        try:
            return shown(self._execute(statement, binds))
        except Exception as error:
            raise errors.from_engine(error) from error
        finally:
            if not self.in_transaction:
                self.locks.release(self)

    def _execute(self, statement: exp.Expr, binds: Mapping[int, Any]) -> Outcome:
        if outcome := SessionStatements(self).execute(statement):
            return outcome
        if isinstance(statement, DDL):
            return self._define(statement, binds)
        if isinstance(statement, WRITES):
            return self._write(statement, binds)
        return self.run(statement, binds)

    def _define(self, statement: exp.Expr, binds: Mapping[int, Any]) -> Outcome:
        """Run a definition; it commits an open transaction and itself, in any case."""
        self.commit()
        for name in sorted({locks.CATALOG, *map(self._full_name, named(statement))}):
            self.locks.acquire(self, name, self.check, limited=False)
        outcome = Definitions(self).execute(statement, binds)
        self.commit()
        return outcome

    def _full_name(self, table: exp.Table) -> str:
        return ".".join(map(str, self._place(table)))

    def _place(self, table: exp.Table) -> tuple[str | None, str]:
        schema = folded(table.args["db"]) if table.args.get("db") else None
        name = table.this
        is_name = isinstance(name, exp.Identifier)
        return schema or self.schema, folded(name) if is_name else ""

    def _write(self, statement: exp.Expr, binds: Mapping[int, Any]) -> Outcome:
        overwrites = bool(statement.args.get("overwrite"))
        limited = overwrites or not isinstance(statement, exp.Insert)
        lock = self._full_name(written_table(statement))
        self.locks.acquire(self, lock, self.check, limited=limited)
        with self.transaction():
            if isinstance(statement, exp.Merge):
                text = statement.meta[TEXT]
                outcome = counted(merging.Merge(self, statement, text, binds).run())
            elif overwrites:
                outcome = self._overwrite(statement, binds)
            else:
                outcome = self._counted(self.run(statement, binds))
            self._check_lengths(statement)
        return outcome

    def commit(self) -> None:
        """End an open transaction, if any, and keep what it did."""
        if self.in_transaction:
            self.raw("COMMIT")
            self._end()

    def _end(self) -> None:
        self.in_transaction = False
        self.locks.release(self)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all that is done inside, or nothing; joins an open transaction.

        Where AUTOCOMMIT is off it stays open, and the end of the session undoes it:
        https://docs.snowflake.com/en/sql-reference/transactions
        """
        if self.in_transaction:
            yield
            return
        self.raw("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            self.raw("ROLLBACK")
            raise
        if self.context.parameters["AUTOCOMMIT"] == "true":
            self.raw("COMMIT")
        else:
            self.in_transaction = True

    def run(self, statement: exp.Expr, binds: Mapping[int, Any]) -> Outcome:
        """Translate and run one statement as it is, in no transaction of its own."""
        self._wait(statement)
        text, values = self._translated(statement, binds)
        if isinstance(statement, exp.Transaction):
            self.in_transaction = True
        if not any(
            isinstance(t.this, exp.Identifier) for t in statement.find_all(exp.Table)
        ):
            # fakesnow takes a table function for a table, which needs a schema.
            self.link.schema_set = True
        cursor = self.link.cursor()
        cursor.execute(text, binding_params=values, server=True)
        if isinstance(statement, (exp.Commit, exp.Rollback)):
            self._end()
        types = [str(column[1]) for column in self.duckdb.description]
        return Outcome(cursor._arrow_table, types)

    def _wait(self, statement: exp.Expr) -> None:
        """Obey SYSTEM$WAIT, during which the transaction keeps its locks.

        https://docs.snowflake.com/en/sql-reference/functions/system_wait
        """
        for function in statement.find_all(exp.Anonymous):
            if function.name.upper() == translate.WAIT:
                self.stopped.wait(float(function.expressions[0].name))
                self.check()

    def _translated(
        self, statement: exp.Expr, binds: Mapping[int, Any]
    ) -> tuple[str, list[Any]]:
        text, order = rendering.rendered(
            statement,
            self.context.translation(),
            self.zoned_columns(statement),
            rendering.instants(binds),
        )
        return text, rendering.values(binds, order)

    def zoned_columns(
        self, statement: exp.Expr, named: Callable[[str], str] = str
    ) -> timestamp_tz.Columns:
        """Find the columns of type TIMESTAMP_TZ of a statement's tables.

        Args:
            statement: A statement with resolved names.
            named: Returns the name of a schema for what the statement calls it.
        """

        def place(table: exp.Table) -> tuple[str | None, str]:
            schema, name = self._place(table)
            return schema and named(schema), name

        places = {place(table) for table in statement.find_all(exp.Table)}
        if not any(name for _, name in places):
            return timestamp_tz.Columns(set())
        found = self.raw(
            "SELECT schema_name, table_name, column_name, data_type "
            "FROM duckdb_columns() WHERE list_contains(?, table_name) "
            "AND (database_name = ? OR database_name = 'temp') "
            "ORDER BY table_oid, column_index",
            [name for _, name in places],
            config.DATABASE,
        )
        own = [
            (place, column, kind == timestamp_tz.ENGINE_TYPE)
            for *place, column, kind in found
            if place[0] == "main" or tuple(place) in places
        ]
        writes = isinstance(statement, WRITES)
        target = place(written_table(statement)) if writes else None
        return timestamp_tz.Columns(
            {column for _, column, is_zoned in own if is_zoned},
            {
                column: is_zoned
                for place, column, is_zoned in own
                if tuple(place) == target
            },
        )

    def _counted(self, outcome: Outcome) -> Outcome:
        counts = {
            name.removeprefix("number of rows "): column[0].as_py()
            for name, column in zip(
                outcome.table.column_names, outcome.table.columns, strict=True
            )
        }
        return Outcome(outcome.table, outcome.types, statistics(counts))

    def _overwrite(self, statement: exp.Expr, binds: Mapping[int, Any]) -> Outcome:
        """INSERT OVERWRITE: the query reads what the table held before.

        https://docs.snowflake.com/en/sql-reference/sql/insert#optional-parameters
        """
        name = written_table(statement).sql(dialect="duckdb")
        [[last]] = self.raw(f"SELECT max(rowid) FROM {name}")  # noqa: S608 - names are quoted
        insert = statement.copy()
        insert.set("overwrite", None)
        outcome = self._counted(self.run(insert, binds))
        if last is not None:
            self.raw(f"DELETE FROM {name} WHERE rowid <= {last}")  # noqa: S608 - as above
        return outcome

    def _check_lengths(self, statement: exp.Expr) -> None:
        """Refuse texts longer than their columns, which the engine would keep."""
        target = written_table(statement)
        schema = target.db or self.schema
        name = target.sql(dialect="duckdb")
        limits = self.raw(
            f"SELECT ext_column_name, ext_character_maximum_length FROM {LENGTHS} "  # noqa: S608 - a constant
            "WHERE ext_table_schema = ? AND ext_table_name = ? "
            "AND ext_character_maximum_length < ?",
            schema,
            folded(target.this),
            DEFAULT_LENGTH,
        )
        for column, limit in limits:
            quoted = '"' + column.replace('"', '""') + '"'
            too_long = self.raw(
                f"SELECT {quoted} FROM {name} WHERE length({quoted}) > {limit} LIMIT 1"  # noqa: S608 - names are quoted
            )
            if too_long:
                text = too_long[0][0]
                message = f"String '{text[:100]}' is too long and would be truncated"
                raise errors.SnowflakeError("100078", "22000", message)


def shown(outcome: Outcome) -> Outcome:
    """Return a result whose columns have Snowflake's names."""
    columns = [names.show(name) for name in outcome.table.column_names]
    return replace(outcome, table=outcome.table.rename_columns(columns))


def named(definition: exp.Expr) -> Iterator[exp.Table]:
    """Give the tables that a definition makes, changes or drops."""
    if definition.args.get("kind") == "SCHEMA":
        return
    for table in definition.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier):
            yield table


def written_table(statement: exp.Expr) -> exp.Table:
    """Return the table that a DML statement writes."""
    table = statement.this
    found = table if isinstance(table, exp.Table) else table.find(exp.Table)
    plain: exp.Table = found.copy()
    plain.set("alias", None)
    return plain


def statistics(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the ``stats`` of an answer for counts by ``inserted`` and so on."""
    return {
        "numRowsInserted": counts.get("inserted", 0),
        "numRowsUpdated": counts.get("updated", 0),
        "numRowsDeleted": counts.get("deleted", 0),
        "numDuplicateRowsUpdated": 0,
    }


def counted(counts: Mapping[str, int]) -> Outcome:
    """Return the result of a MERGE for counts by ``inserted`` and so on."""
    columns = {
        f"number of rows {action}": pa.array([counts[action]], pa.int64())
        for action in ("inserted", "updated", "deleted")
        if action in counts
    }
    return Outcome(pa.table(columns), ["BIGINT"] * len(columns), statistics(counts))
