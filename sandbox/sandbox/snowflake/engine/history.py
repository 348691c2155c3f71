"""The history of statements, which people ask for by query tag.

The table functions and the view are documented under
https://docs.snowflake.com/en/sql-reference/functions/query_history and
https://docs.snowflake.com/en/sql-reference/account-usage/query_history; both have the
columns below, and more. The view of the real account lags by up to 45 minutes.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa  # type: ignore[import-untyped] # it ships no types
from sqlglot import exp

from sandbox import config

if TYPE_CHECKING:
    from sandbox.snowflake.engine.errors import SnowflakeError
    from sandbox.snowflake.engine.place import Place

REMEMBERED = 10_000
"""Statements."""
TEXT_LENGTH = 100_000
"""Characters of a statement that are kept."""
FUNCTIONS = {
    "QUERY_HISTORY",
    "QUERY_HISTORY_BY_SESSION",
    "QUERY_HISTORY_BY_USER",
    "QUERY_HISTORY_BY_WAREHOUSE",
}
TABLE = "_SB_QUERY_HISTORY"
"""What the engine calls the history."""
TIME = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("QUERY_ID", pa.string()),
        ("QUERY_TEXT", pa.string()),
        ("DATABASE_NAME", pa.string()),
        ("SCHEMA_NAME", pa.string()),
        ("QUERY_TYPE", pa.string()),
        ("USER_NAME", pa.string()),
        ("ROLE_NAME", pa.string()),
        ("WAREHOUSE_NAME", pa.string()),
        ("QUERY_TAG", pa.string()),
        ("EXECUTION_STATUS", pa.string()),
        ("ERROR_CODE", pa.string()),
        ("ERROR_MESSAGE", pa.string()),
        ("START_TIME", TIME),
        ("END_TIME", TIME),
        ("TOTAL_ELAPSED_TIME", pa.int64()),
    ]
)


def now() -> dt.datetime:
    """Return the server's time."""
    return dt.datetime.now(dt.UTC)


@dataclass
class Entry:
    """One statement.

    Args:
        handle: The statement handle, which is the query id.
        text: The statement.
        context: Where and as whom it runs.
        tag: The query tag.
        start: When it began.
        end: When it ended; None while it runs.
        error: Why it failed; None if it did not.
    """

    handle: str
    text: str
    context: Place
    tag: str
    start: dt.datetime = field(default_factory=now)
    end: dt.datetime | None = None
    error: SnowflakeError | None = None

    def finish(self, error: SnowflakeError | None = None) -> None:
        """Say that the statement has ended."""
        self.error = error
        self.end = now()

    @property
    def status(self) -> str:
        """The documented word for how the statement stands."""
        if self.end is None:
            return "RUNNING"
        return "FAILED_WITH_ERROR" if self.error else "SUCCESS"

    def row(self) -> dict[str, object]:
        """Return the entry as a row of the history."""
        words = self.text.split(maxsplit=1)
        elapsed = (self.end or now()) - self.start
        return {
            "QUERY_ID": self.handle,
            "QUERY_TEXT": self.text[:TEXT_LENGTH],
            "DATABASE_NAME": self.context.database,
            "SCHEMA_NAME": self.context.schema,
            "QUERY_TYPE": words[0].upper() if words else "",
            "USER_NAME": config.USER,
            "ROLE_NAME": self.context.role,
            "WAREHOUSE_NAME": self.context.warehouse,
            "QUERY_TAG": self.tag,
            "EXECUTION_STATUS": self.status,
            "ERROR_CODE": self.error and self.error.code,
            "ERROR_MESSAGE": self.error and self.error.message,
            "START_TIME": self.start,
            "END_TIME": self.end,
            "TOTAL_ELAPSED_TIME": elapsed // dt.timedelta(milliseconds=1),
        }


class History:
    """The statements of the SQL API since the server started."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=REMEMBERED)

    def table(self) -> pa.Table:
        """Return all entries, the latest first."""
        rows = [entry.row() for entry in list(self.entries)]
        return pa.Table.from_pylist(rows[::-1], SCHEMA)


def redirect(statement: exp.Expr) -> bool:
    """Have a statement read the history from the engine; say whether it reads it."""
    found = [t for t in statement.find_all(exp.TableFromRows, exp.Table) if _is(t)]
    for table in found:
        table.replace(exp.Table(this=exp.to_identifier(TABLE), alias=_alias(table)))
    return bool(found)


def _alias(table: exp.Expr) -> exp.TableAlias:
    return table.args.get("alias") or exp.TableAlias(
        this=exp.to_identifier("QUERY_HISTORY")
    )


def _is(table: exp.Expr) -> bool:
    if isinstance(table, exp.Table):
        parts = [part.name.upper() for part in table.parts]
        return parts == ["SNOWFLAKE", "ACCOUNT_USAGE", "QUERY_HISTORY"]
    function = table.this.expression if isinstance(table.this, exp.Dot) else table.this
    return isinstance(function, exp.Anonymous) and function.name.upper() in FUNCTIONS
