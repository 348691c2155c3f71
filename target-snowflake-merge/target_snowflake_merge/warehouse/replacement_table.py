"""Tables that are filled aside, to take the place of others (pure functions)."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import TYPE_CHECKING

from target_snowflake_merge.warehouse.identifiers import MAX_LENGTH
from target_snowflake_merge.warehouse.statements import (
    add_column,
    identifier,
    widen_column,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from target_snowflake_merge.schema.kinds import ColumnType
    from target_snowflake_merge.warehouse.evolution import Column

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
    """Name the table that a run fills; two tables never share one."""
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
    journal that is lost. ``now`` is in seconds since 1970.
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
    """
    bookmarks = state.get("bookmarks")
    bookmark = bookmarks.get(stream) if isinstance(bookmarks, dict) else None
    if not isinstance(bookmark, dict):
        return False
    names = {"replication_key_value", *properties}
    return any(bookmark[name] is not None for name in names & bookmark.keys())


def as_wide(
    wanted: Mapping[str, ColumnType], old: Mapping[str, Column]
) -> dict[str, ColumnType]:
    """Let columns be as wide as those of the table into which their values will go."""
    return {
        name: old[called].type.widened(column)
        if (called := _called(name, old)) and old[called].type.is_like(column)
        else column
        for name, column in wanted.items()
    }


def misfit(new: Mapping[str, ColumnType], old: Mapping[str, Column]) -> str:
    """Say why the rows of a new table cannot go into an old one.

    Returns:
        Half a sentence, or nothing where they can, once it is widened.
    """
    for name, column in new.items():
        called = _called(name, old)
        if called and not old[called].type.is_like(column):
            return f"column {called} is {old[called].type} and is now {column}"
        if called is None and any(other.upper() == name for other in old):
            return f"several of its columns may be meant by {name}"
    for name in lacking(new, old):
        if not old[name].nullable:
            return f"column {name} may not be null, and the stream does not have it"
    return ""


def lacking(new: Mapping[str, ColumnType], old: Mapping[str, Column]) -> list[str]:
    """Return the columns of an old table that a new one does not have."""
    filled = {_called(name, old) for name in new}
    return [
        name
        for name, column in old.items()
        if name not in filled and not column.is_computed
    ]


def _called(name: str, old: Collection[str]) -> str | None:
    """Return what a column is called in an old table: differently in case, perhaps."""
    alike = [other for other in old if other.upper() == name]
    if name in alike or len(alike) != 1:
        return name if name in alike else None
    return alike[0]


def widen(
    table: str, new: Mapping[str, ColumnType], old: Mapping[str, Column]
) -> list[str]:
    """Write what lets an old table take the rows of a new one.

    Returns:
        The statements; none where it can already.
    """
    changes = []
    for name, column in new.items():
        called = _called(name, old)
        if called is None:
            changes.append(add_column(table, name, column))
        elif (wider := old[called].type.widened(column)) != old[called].type:
            changes.append(widen_column(table, called, wider))
    return changes


def move(
    table: str, new_table: str, new: Mapping[str, ColumnType], old: Mapping[str, Column]
) -> str:
    """Put the rows of a new table in the place of those of an old one, in one step.

    The old one stays the same object, with its grants, tags, policies and streams. Its
    columns that the new one lacks are null, whatever their defaults are.
    https://docs.snowflake.com/en/sql-reference/sql/insert

    Returns:
        The statement; it needs INSERT and DELETE on the old table.
    """
    values = {_called(name, old) or name: identifier(name) for name in new}
    values |= dict.fromkeys(lacking(new, old), "NULL")
    return (
        f"INSERT OVERWRITE INTO {table} ({', '.join(map(identifier, values))})\n"
        f"SELECT {', '.join(values.values())}\n"
        f"FROM {new_table}"
    )


def replace_table(table: str, new: str) -> str:
    """Put a new table in the place of another, in one step.

    Grants and tags are those of the old one: a clone's might be those of its source.
    https://docs.snowflake.com/en/sql-reference/sql/create-table
    """
    create = f"CREATE OR REPLACE TABLE {table} COPY GRANTS COPY TAGS"
    return f"{create}\nAS SELECT * FROM {new}"  # noqa: S608 - names are quoted


def make(table: str, new: str) -> str:
    """Make a table of a new one where there was none, with the schema's future grants.

    It can be executed twice.
    """
    return f"CREATE OR REPLACE TABLE {table} CLONE {new}"


def count(table: str) -> str:
    """Count the rows of a table."""
    return f'SELECT COUNT(*) AS "ROWS" FROM {table}'  # noqa: S608 - names are quoted


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
