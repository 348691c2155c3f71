"""Statements that define schemas and tables, run on a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from sandbox import config
from sandbox.snowflake.engine import errors, names, tables
from sandbox.snowflake.engine.catalog import DEFAULT_LENGTH, KEPT_LENGTHS, LENGTHS, NOTE
from sandbox.snowflake.engine.context import DONE, listed
from sandbox.snowflake.engine.names import folded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.snowflake.engine.context import Outcome
    from sandbox.snowflake.engine.link import Link


class Definitions:
    """Runs CREATE, ALTER, DROP and TRUNCATE.

    Args:
        connection: The session.
    """

    def __init__(self, connection: Link) -> None:
        self.connection = connection

    def execute(self, statement: exp.Expr, binds: Mapping[int, Any]) -> Outcome:
        """Run one statement, outside of any transaction.

        Raises:
            SnowflakeError: The object is not there, is there already, or cannot
                change in this way.
        """
        try:
            return self._run(statement, binds)
        finally:
            self._keep_lengths()

    def _run(self, statement: exp.Expr, binds: Mapping[int, Any]) -> Outcome:
        if isinstance(statement, exp.Alter):
            for action in statement.args.get("actions") or []:
                if isinstance(action, exp.SwapTable):
                    return self._swap(statement.this, action.this)
                self._before(statement.this, action)
        elif isinstance(statement, exp.Create) and statement.kind == "SCHEMA":
            return self._create_schema(statement)
        elif isinstance(statement, exp.Create) and statement.args.get("clone"):
            return self._clone(statement)
        elif isinstance(statement, exp.Create) and (source := copied(statement)):
            return self._copy(statement, source)
        elif isinstance(statement, exp.TruncateTable) and statement.args.get("exists"):
            if not self._exists(statement.expressions[0]):
                return listed(DONE)
        elif isinstance(statement, (exp.Create, exp.Drop)):
            self._forget_lengths(statement)
        return self._change(statement, binds)

    def _change(self, statement: exp.Expr, binds: Mapping[int, Any]) -> Outcome:
        """Run a definition, and note what the types of the engine do not keep."""
        tables.default_collation(
            statement, self.connection.context.parameters["DEFAULT_DDL_COLLATION"]
        )
        noted = {
            folded(column.this): text
            for column in statement.find_all(exp.ColumnDef)
            if (text := tables.note(column))
        }
        table = statement.find(exp.Table)
        present = self._kept(statement, table) if noted and table else set()
        outcome = self.connection.run(tables.definition(statement), binds)
        for name in noted.keys() - present:
            if table:
                self._note(table, name, noted[name])
        return outcome

    def _kept(self, statement: exp.Expr, table: exp.Table) -> set[str]:
        """Return the columns that a definition finds, and leaves as they are."""
        if not self._exists(table) or statement.args.get("replace"):
            return set()
        if isinstance(statement, exp.Create):  # IF NOT EXISTS, or it fails
            return {folded(column.this) for column in statement.find_all(exp.ColumnDef)}
        return set(self._columns(table))

    def _notes(self, table: exp.Table) -> list[tuple[str, str]]:
        rows = self.connection.raw(
            "SELECT column_name, substr(comment, length(?) + 1) FROM duckdb_columns() "
            "WHERE starts_with(comment, ?) "
            "AND database_name = ? AND schema_name = ? AND table_name = ?",
            *(NOTE, NOTE, config.DATABASE),
            *self._place(table),
        )
        return [(column, text) for column, text in rows]

    def _note(self, table: exp.Table, name: str, text: str) -> None:
        column = exp.to_identifier(name, quoted=True).sql(dialect="duckdb")
        schema, own = (
            exp.to_identifier(part, quoted=True) for part in self._place(table)
        )
        place = exp.table_(own, db=schema, catalog=config.DATABASE)
        literal = exp.Literal.string(f"{NOTE}{text}").sql(dialect="duckdb")
        target = f"{place.sql(dialect='duckdb')}.{column}"
        self.connection.raw(f"COMMENT ON COLUMN {target} IS {literal}")

    def _create_schema(self, statement: exp.Create) -> Outcome:
        """Make a schema; it becomes the session's current one."""
        name = statement.this.db
        place = exp.table_(exp.to_identifier(name, quoted=True), db=config.DATABASE)
        if statement.args.get("replace"):
            self._forget_lengths(statement)
            self.connection.raw(f"DROP SCHEMA IF EXISTS {place.sql()} CASCADE")
        clause = "IF NOT EXISTS " if statement.args.get("exists") else ""
        self.connection.raw(f"CREATE SCHEMA {clause}{place.sql()}")
        self.connection.use(names.show(name))
        return listed([{"status": f"Schema {names.show(name)} successfully created."}])

    def _clone(self, statement: exp.Create) -> Outcome:
        """Make a table of another's columns and rows, in place of one or anew.

        https://docs.snowflake.com/en/sql-reference/sql/create-clone
        """
        return self._copy(statement, statement.args["clone"].this, is_clone=True)

    def _copy(
        self, statement: exp.Create, source: exp.Table, *, is_clone: bool = False
    ) -> Outcome:
        """Make a table of another's columns and rows; only a clone's are NOT NULL."""
        new = statement.this
        required = self._required(source) if is_clone else []
        self._columns(source)
        if statement.args.get("exists") and self._exists(new):
            return listed(DONE)
        before, after = (table.sql(dialect="duckdb") for table in (source, new))
        create = "CREATE OR REPLACE" if statement.args.get("replace") else "CREATE"
        with self.connection.transaction():
            self.connection.raw(f"{create} TABLE {after} AS FROM {before}")
            for column in required:
                name = exp.to_identifier(column, quoted=True).sql(dialect="duckdb")
                change = f"ALTER COLUMN {name} SET NOT NULL"
                self.connection.raw(f"ALTER TABLE {after} {change}")
        self._forget_lengths(statement)
        self._copy_lengths(source, new)
        for column, text in self._notes(source):
            self._note(new, column, text)
        name = names.show(folded(new.this))
        return listed([{"status": f"Table {name} successfully created."}])

    def _required(self, table: exp.Table) -> list[str]:
        """Return the columns of a table that may not be null.

        Raises:
            SnowflakeError: 002003, there is no such table.
        """
        self._columns(table)
        rows = self.connection.raw(
            "SELECT column_name FROM duckdb_columns() WHERE NOT is_nullable "
            "AND database_name = ? AND schema_name = ? AND table_name = ?",
            config.DATABASE,
            *self._place(table),
        )
        return [name for (name,) in rows]

    def _before(self, table: exp.Table, action: exp.Expr) -> None:
        """Check, or prepare for, one change of a table."""
        if isinstance(action, exp.AlterColumn) and action.args.get("dtype"):
            name = folded(action.this)
            tables.check_type_change(
                name, self._column(table, name), action.args["dtype"]
            )
        elif isinstance(action, exp.AlterRename):
            self._move_lengths(table, folded(action.this.this))

    def _swap(self, one: exp.Table, other: exp.Table) -> Outcome:
        """Exchange the names of two tables."""
        first, second = folded(one.this), folded(other.this)
        for table in (one, other):
            self._columns(table)
        aside = one.copy()
        aside.set("this", exp.to_identifier("_SB_SWAP", quoted=True))
        self._rename(one, "_SB_SWAP")
        self._rename(other, first)
        self._rename(aside, second)
        return listed(DONE)

    def _rename(self, table: exp.Table, name: str) -> None:
        self._move_lengths(table, name)
        new = exp.to_identifier(name, quoted=True).sql(dialect="duckdb")
        old = table.sql(dialect="duckdb")
        self.connection.raw(f"ALTER TABLE {old} RENAME TO {new}")

    def _place(self, table: exp.Table) -> tuple[str | None, str]:
        schema = folded(table.args["db"]) if table.args.get("db") else None
        return schema or self.connection.schema, folded(table.this)

    def _exists(self, table: exp.Table) -> bool:
        """Say whether there is a table."""
        try:
            return bool(self._columns(table))
        except errors.SnowflakeError:
            return False

    def _columns(self, table: exp.Table) -> dict[str, tables.Column]:
        """Return a table's columns by name.

        Raises:
            SnowflakeError: 002003, there is no such table.
        """
        rows = self.connection.raw(
            "SELECT c.column_name, c.data_type, l.ext_character_maximum_length "  # noqa: S608 - a constant
            f"FROM duckdb_columns() AS c LEFT JOIN {LENGTHS} AS l "
            "ON ext_table_schema = schema_name AND ext_table_name = table_name "
            "AND ext_column_name = column_name "
            "WHERE database_name = ? AND schema_name = ? AND table_name = ?",
            config.DATABASE,
            *self._place(table),
        )
        if not rows:
            raise errors.missing("Table", names.show(folded(table.this)))
        return {
            name: tables.Column(
                kind, (length or DEFAULT_LENGTH) if kind == "VARCHAR" else None
            )
            for name, kind, length in rows
        }

    def _column(self, table: exp.Table, name: str) -> tables.Column:
        columns = self._columns(table)
        if name not in columns:
            raise errors.invalid_identifier(name)
        return columns[name]

    def _move_lengths(self, table: exp.Table, name: str) -> None:
        schema, old = self._place(table)
        self.connection.raw(
            f"UPDATE {LENGTHS} SET ext_table_name = ? "  # noqa: S608 - a constant
            "WHERE ext_table_schema = ? AND ext_table_name = ?",
            name,
            schema,
            old,
        )

    def _copy_lengths(self, source: exp.Table, new: exp.Table) -> None:
        self.connection.raw(
            f"INSERT INTO {LENGTHS} SELECT * "  # noqa: S608 - a constant
            "REPLACE (? AS ext_table_schema, ? AS ext_table_name) "
            f"FROM {LENGTHS} WHERE ext_table_schema = ? AND ext_table_name = ?",
            *self._place(new),
            *self._place(source),
        )

    def _forget_lengths(self, statement: exp.Expr) -> None:
        """What goes, or is replaced by another, takes its lengths with it."""
        replaces = isinstance(statement, exp.Drop) or statement.args.get("replace")
        table = statement.find(exp.Table)
        if not replaces or not table:
            return
        forget = f"DELETE FROM {LENGTHS} WHERE ext_table_schema = ?"  # noqa: S608 - a constant
        if statement.args.get("kind") == "SCHEMA":
            self.connection.raw(forget, folded(table.args["db"]))
        elif isinstance(table.this, exp.Identifier):
            self.connection.raw(f"{forget} AND ext_table_name = ?", *self._place(table))

    def _keep_lengths(self) -> None:
        self.connection.raw(f"DELETE FROM {KEPT_LENGTHS}")  # noqa: S608 - a constant
        self.connection.raw(f"INSERT INTO {KEPT_LENGTHS} FROM {LENGTHS}")


def copied(statement: exp.Create) -> exp.Table | None:
    """Return the table that a CREATE TABLE … AS SELECT * FROM copies whole, if any."""
    query = statement.expression
    if not isinstance(query, exp.Select) or statement.find(exp.Schema):
        return None
    parts = {name for name, value in query.args.items() if value}
    source = query.args["from_"].this if "from_" in parts else None
    is_whole = parts == {"expressions", "from_"} and query.is_star
    is_plain = isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier)
    return source if is_whole and is_plain and len(query.expressions) == 1 else None
