"""Tables that are filled aside, to take the place of others (pure functions)."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import TYPE_CHECKING

from target_snowflake_merge.names import MAX_LENGTH
from target_snowflake_merge.statements import identifier

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

PREFIX = "_SDC_NEW_"
"""What the names of tables begin with that are being filled."""

NAME = re.compile(
    rf"{PREFIX}(?P<run>[0-9A-F]{{8}}(-[0-9A-F]{{4}}){{3}}-[0-9A-F]{{12}})_"
)

DIGEST_LENGTH = 16
"""Characters that tell tables apart whose names are too long for the prefix."""

LONGEST_RUN = dt.timedelta(days=7)
"""After this time a table of a run that this journal does not know is a remnant."""


def name(run_id: str, table: str) -> str:
    """Name the table that a run fills; two tables never share one.

    Args:
        run_id: The run.
        table: The table whose place it will take.
    """
    whole = f"{PREFIX}{run_id.upper()}_{table}"
    if len(whole) <= MAX_LENGTH:
        return whole
    digest = hashlib.sha256(table.encode()).hexdigest()[:DIGEST_LENGTH].upper()
    return f"{whole[: MAX_LENGTH - DIGEST_LENGTH - 1]}_{digest}"


def remnants(
    tables: Iterable[str], living: Collection[str], ended: Collection[str], now: float
) -> Iterator[str]:
    """Choose the tables that nobody fills any more.

    A run that the journal does not know may live on another machine, or be one of a
    journal that is lost.

    Args:
        tables: Names of tables.
        living: The runs of the journal that live.
        ended: Those that have ended.
        now: The present time, in seconds since 1970.
    """
    for table in tables:
        match = NAME.match(table)
        run_id = match["run"].lower() if match else ""
        if not match or run_id in living:
            continue
        begun = int(run_id.replace("-", "")[:12], 16) / 1000
        if run_id in ended or now - begun > LONGEST_RUN.total_seconds():
            yield table


def reads_increments(
    stream: str, properties: Collection[str], state: Mapping[str, object]
) -> bool:
    """Say whether a state has a bookmark on a property of a stream.

    Such a tap sends what is new since, and an overwritten table would keep only that.
    ``replication_key_value`` is the SDK's name for it; others use the property's own.

    Args:
        stream: The stream.
        properties: Its properties.
        state: The value of a STATE message.
    """
    bookmarks = state.get("bookmarks")
    bookmark = bookmarks.get(stream) if isinstance(bookmarks, dict) else None
    if not isinstance(bookmark, dict):
        return False
    names = {"replication_key_value", *properties}
    return any(bookmark[name] is not None for name in names & bookmark.keys())


def take_place(table: str, new: str) -> str:
    """Put a new table in the place of another, in one step.

    Whoever may use the old one may use the new one: SWAP WITH would exchange the grants
    as well. https://docs.snowflake.com/en/sql-reference/sql/create-table

    Args:
        table: The qualified name of the old one, which need not be there.
        new: That of the new one.

    Returns:
        The statement.
    """
    return f"CREATE OR REPLACE TABLE {table} CLONE {new} COPY GRANTS"


def make_alike(table: str, new: str) -> str:
    """Make a table like another where it is missing."""
    return f"CREATE TABLE IF NOT EXISTS {table} CLONE {new}"


def drop_table(table: str) -> str:
    """Drop a table where it is there."""
    return f"DROP TABLE IF EXISTS {table}"


def tables_that_begin_with(database: str) -> str:
    """List tables; its binds are the schema and the beginning of their names."""
    return (
        "SELECT TABLE_NAME\n"
        f"FROM {identifier(database)}.INFORMATION_SCHEMA.TABLES\n"
        "WHERE TABLE_SCHEMA = ? AND STARTSWITH(TABLE_NAME, ?)\n"
        "ORDER BY TABLE_NAME"
    )
