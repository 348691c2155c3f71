"""Statements that ask about objects, or change what a session means by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from sandbox import config
from sandbox.snowflake.engine import account, catalog, errors, names, privileges, show
from sandbox.snowflake.engine.context import DONE, listed

if TYPE_CHECKING:
    from sandbox.snowflake.engine.context import Outcome
    from sandbox.snowflake.engine.link import Link


class SessionStatements:
    """Runs SHOW, DESCRIBE TABLE, USE and ALTER SESSION.

    Args:
        connection: The session.
    """

    def __init__(self, connection: Link) -> None:
        self.connection = connection

    def execute(self, statement: exp.Expr) -> Outcome | None:
        """Run a statement of these kinds; return None for any other.

        Raises:
            SnowflakeError: There is no such object, or the sandbox does not list it.
        """
        if isinstance(statement, exp.Show):
            wanted = show.listing(shown(statement), self.connection.context.schema)
            return self.connection.rows(wanted.query, *wanted.values)
        if isinstance(statement, exp.Command) and statement.name.upper() == "SHOW":
            return listed(self._facts(str(statement.expression)))
        if isinstance(statement, exp.Describe):
            return self._describe(statement)
        if isinstance(statement, exp.Use):
            return self._use(statement)
        if isinstance(statement, exp.Alter) and statement.kind == "SESSION":
            return self._alter(statement)
        return None

    def _facts(self, rest: str) -> show.Rows:
        """SHOW PARAMETERS and SHOW GRANTS."""
        context = self.connection.context
        if rest.upper().split(maxsplit=1)[:1] == ["PARAMETERS"]:
            return show.parameters(rest, context.parameters, context.account)
        found = self.connection.raw(
            "SELECT TABLE_SCHEMA, TABLE_NAME FROM "  # noqa: S608 - a constant
            f"{catalog.HOME}._fs_tables"
        )
        schemas = self.connection.raw(
            f"SELECT SCHEMA_NAME FROM {catalog.HOME}._fs_schemata"  # noqa: S608 - as above
        )
        given = privileges.held(context.grants, [s for [s] in schemas], found)
        return show.grants(rest, given, config.DATABASE)

    def _describe(self, statement: exp.Describe) -> Outcome | None:
        table = statement.this
        if not isinstance(table, exp.Table) or table.db == "INFORMATION_SCHEMA":
            return None
        schema = names.show(table.db) or self.connection.context.schema
        outcome = self.connection.rows(catalog.DESCRIBE, schema, names.show(table.name))
        if not outcome.table.num_rows:
            raise errors.missing("Table", table.name)
        return outcome

    def _use(self, statement: exp.Use) -> Outcome:
        kind = statement.args["kind"].name.upper() if statement.args["kind"] else ""
        parts = [names.show(part.name) for part in statement.this.parts]
        own = {"ROLE": config.ROLE, "WAREHOUSE": config.WAREHOUSE}
        if kind in own:
            if parts != [own[kind]]:
                raise errors.missing(kind.capitalize(), parts[-1])
        elif kind != "SECONDARY ROLES":
            self._use_place(kind, parts)
        return listed(DONE)

    def _use_place(self, kind: str, parts: list[str]) -> None:
        """Make a database or schema current; without a kind it is either."""
        is_database = kind == "DATABASE" or (not kind and parts == [config.DATABASE])
        database = parts[0] if is_database or len(parts) > 1 else config.DATABASE
        if database != config.DATABASE:
            raise errors.missing("Database", database)
        schema = "PUBLIC" if is_database else parts[-1]
        context = self.connection.context
        self.connection.context = replace(context, database=database, schema=schema)
        self.connection.enter()

    def _alter(self, statement: exp.Alter) -> Outcome:
        """ALTER SESSION SET and UNSET; parameters without effect here are taken."""
        changes: dict[str, str | None] = {}
        for action in statement.args["actions"]:
            for item in action.expressions:
                assignment = item.find(exp.EQ)
                name = (assignment.this if assignment else item).name.upper()
                value = assignment.expression if assignment else None
                changes[name] = _parameter(value) if value else None
        known = {name: changes[name] for name in changes if name in account.DEFAULTS}
        try:
            account.checked({n: v for n, v in known.items() if v is not None})
        except ValueError as error:
            raise errors.SnowflakeError("001007", "22023", str(error)) from None
        if "AUTOCOMMIT" in known:
            self.connection.commit()
        self.connection.context = self.connection.context.with_parameters(known)
        self.connection.enter()
        return listed(DONE)


def _parameter(value: exp.Expr) -> str:
    return value.name if isinstance(value, exp.Literal) else value.sql().lower()


def shown(show: exp.Show) -> exp.Show:
    """Return a SHOW statement whose names are Snowflake's again."""
    changed: exp.Show = show.copy()
    for name in changed.find_all(exp.Identifier):
        name.set("this", names.show(name.name))
    return changed
