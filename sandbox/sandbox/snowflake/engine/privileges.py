"""What the loader's role may do: everything in its database, less what was revoked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from sandbox import config
from sandbox.snowflake.engine import errors, names
from sandbox.snowflake.engine.names import folded
from sandbox.snowflake.engine.translate import LOGIN_FAILURE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.snowflake.engine.place import Place

PRIVILEGES = ("SELECT", "WRITE", "DELETE", "CREATE", "USAGE", "OWNERSHIP", "MONITOR")
"""What can be revoked.

SELECT, WRITE (insert, update, delete, truncate), DELETE (alone, which INSERT OVERWRITE
needs beside it) and OWNERSHIP (alter, drop) count for tables; CREATE for a schema (its
tables) or a database (its schemas); USAGE for a schema or warehouse; MONITOR for the
account (the details of failed sign-ins).
"""

OF_A_TABLE = {
    "OWNERSHIP": "OWNERSHIP",
    "SELECT": "SELECT",
    "INSERT": "WRITE",
    "UPDATE": "WRITE",
    "DELETE": "DELETE",
    "TRUNCATE": "WRITE",
}
"""Snowflake's privileges on a table, and which of ours each one is."""

WRITES = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.TruncateTable)
Need = tuple[str, str, str]
"""A privilege, the kind of its object, and the object's upper-case dotted name."""


@dataclass
class Grants:
    """The privileges that were taken away from the role.

    Args:
        revoked: Pairs of a privilege and an object's name.
    """

    revoked: set[tuple[str, str]] = field(default_factory=set)

    def change(self, action: str, privilege: str, on: str) -> None:
        """Revoke a privilege or give it back.

        Args:
            action: ``revoke`` or ``grant``.
            privilege: One of ``PRIVILEGES``.
            on: A dotted name without quotes, such as ``FINANCE.ACUMATICA.BILL``.

        Raises:
            ValueError: There is no such action or privilege.
        """
        if privilege not in PRIVILEGES or action not in {"revoke", "grant"}:
            raise ValueError(f"No such grant: {action} {privilege}")
        entry = (privilege, on)
        if action == "revoke":
            self.revoked.add(entry)
        else:
            self.revoked.discard(entry)

    def check(self, statement: exp.Expr, context: Place) -> None:
        """Refuse a statement that the role may not run.

        Args:
            statement: As Snowflake would parse it.
            context: The current schema and warehouse.

        Raises:
            SnowflakeError: 003001 for what may not be done; 002003 for what may not
                even be seen.
        """
        if context.warehouse and ("USAGE", context.warehouse) in self.revoked:
            raise errors.missing("Warehouse", context.warehouse)
        for privilege, kind, name in needs(statement, context.schema):
            if (privilege, name) in self.revoked:
                if privilege in {"SELECT", "USAGE"}:
                    raise errors.missing(kind, name)
                short = name.rpartition(".")[2]
                raise errors.insufficient_privileges(kind.lower(), short)


def held(
    grants: Grants, schemas: list[str], tables: list[tuple[str, str]]
) -> list[Need]:
    """Return what the role may do: privilege, kind of object, dotted name.

    Args:
        grants: What was taken away.
        schemas: The names of the schemas.
        tables: Pairs of schema and table.
    """
    database = config.DATABASE
    everything = [
        ("USAGE", "DATABASE", database, "USAGE"),
        ("CREATE SCHEMA", "DATABASE", database, "CREATE"),
        ("USAGE", "WAREHOUSE", config.WAREHOUSE, "USAGE"),
    ]
    for schema in schemas:
        name = f"{database}.{schema}"
        everything.append(("USAGE", "SCHEMA", name, "USAGE"))
        everything.append(("CREATE TABLE", "SCHEMA", name, "CREATE"))
    for schema, table in tables:
        name = f"{database}.{schema}.{table}"
        everything += [(shown, "TABLE", name, own) for shown, own in OF_A_TABLE.items()]
    return [
        (shown, kind, name)
        for shown, kind, name, own in everything
        if (own, name) not in grants.revoked
    ]


def needs(statement: exp.Expr, schema: str | None) -> Iterator[Need]:
    """Give the privileges that a statement needs."""
    tables = list(statement.find_all(exp.Table))
    written = statement.find(exp.Table)
    for table in tables:
        name = _name(table, schema)
        if isinstance(table.this, exp.Identifier) and name.count("."):
            yield "USAGE", "Schema", name.rpartition(".")[0]
            yield "SELECT", "Object", name
    for function in statement.find_all(exp.Anonymous):
        if function.name.upper() == LOGIN_FAILURE:
            yield "MONITOR", "Account", config.ACCOUNT
    if isinstance(statement, WRITES):
        yield "WRITE", "Table", _name(written, schema)
        if isinstance(statement, exp.Delete) or statement.args.get("overwrite"):
            yield "DELETE", "Table", _name(written, schema)
    elif isinstance(statement, exp.Create):
        yield from _creation(statement, written, schema)
    elif isinstance(statement, (exp.Alter, exp.Drop)) and statement.kind == "TABLE":
        yield "OWNERSHIP", "Table", _name(written, schema)


def _creation(
    statement: exp.Create, target: exp.Table | None, schema: str | None
) -> Iterator[Need]:
    if statement.kind == "SCHEMA":
        yield "CREATE", "Database", config.DATABASE
    elif target is not None:
        yield "CREATE", "Schema", _name(target, schema).rpartition(".")[0]
        if statement.args.get("replace"):
            yield "OWNERSHIP", "Table", _name(target, schema)


def _name(table: exp.Table | None, schema: str | None) -> str:
    """Return a table's full name."""
    if table is None:
        return ""
    parts = [names.show(folded(part)) for part in table.parts]
    missing = [config.DATABASE, schema or ""][: max(0, 3 - len(parts))]
    return ".".join([*missing, *parts])
