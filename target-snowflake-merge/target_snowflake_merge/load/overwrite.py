"""The load method overwrite: new rows take the place of the old ones.

Each run fills tables of its own, so that two runs never mix their rows. What a run that
broke off has left is dropped by the next one.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.warehouse import replacement_table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from target_snowflake_merge.journal.journal import Journal
    from target_snowflake_merge.load.batch import Batch
    from target_snowflake_merge.load.checkpoints import Place
    from target_snowflake_merge.load.loader import Loader
    from target_snowflake_merge.warehouse.connector import Connector

logger = logging.getLogger(__name__)


def drop_remnants(journal: Journal, connector: Connector) -> None:
    """Drop what runs that have ended were filling.

    Raises:
        TargetError: The tables cannot be listed or dropped.
    """
    found = connector.tables_that_begin_with(replacement_table.PREFIX)
    living, ended = journal.runs() if found else (set(), set())
    for table in replacement_table.remnants(found, living, ended, time.time()):
        logger.info("Dropping table %s, which a run that broke off has left", table)
        connector.drop(table)


def take_places(
    batches: Collection[Batch],
    loader: Loader,
    connector: Connector,
    state: Mapping[str, Any],
    check: Callable[[], None],
) -> None:
    """Put the rows of the tables that were filled in the place of the old ones.

    Raises:
        TargetError: A table has not taken its place, or is left over beside it.
    """
    for batch in batches:
        loader.settle(batch.table)
        check()
        first = batch.filled.order.first
        if first is None:
            _keep(batch, connector)
            continue
        _warn_of_increments(batch, state)
        _check_count(batch, loader.held[batch.table], connector)
        entry = batch.entry(
            kind="overwrite",
            load_method=batch.load_method,
            sql=_taking_place(batch, connector),
            first_sequence=first,
            last_sequence=first,
        )
        loader.send(entry, b"", place(batch.stream))
    loader.settle()
    for batch in batches:
        connector.drop(replacement_table.name(loader.run_id, batch.filled.name))


def place(stream: str) -> Place:
    """Under which name the states are held until a table has taken its place."""
    return ("overwriting", stream)


def _check_count(batch: Batch, said: int, connector: Connector) -> None:
    """Leave an old table as it is where the new one lacks rows that it was given.

    Each statement is a session of its own, and what one of them has done is there for
    the next one only if the account and Snowflake are as they should be.
    """
    new = batch.filled.qualified
    result = connector.query(batch.stream, new, replacement_table.count(new))
    held = int(result.rows[0]["ROWS"] or 0)
    if held < said:
        raise TargetError(
            f"Stream {batch.stream}: of {said} rows that Snowflake has inserted "
            f"into table {new} {held} are there, so table {batch.table} keeps its own; "
            "run it again, and do not load before this is understood."
        )


def _taking_place(batch: Batch, connector: Connector) -> str:
    """Make the old table ready, and write what puts the new rows in their place."""
    stream, table, new_table = batch.stream, batch.table, batch.filled.qualified
    new = batch.filled.columns
    old = connector.columns(stream, table)
    if old is None:
        return replacement_table.make(table, new_table)
    left = ", ".join(replacement_table.lacking(new, old))
    if why := replacement_table.misfit(new, old):
        gone = f"; columns {left}, which the stream does not have, are gone"
        logger.warning(
            "Stream %s: table %s is replaced, since %s; it keeps its grants and tags, "
            "but not the policies that were set on it, and its streams (CDC) end%s",
            *(stream, table, why, gone if left else ""),
        )
        return replacement_table.replace_table(table, new_table)
    for sql in replacement_table.widen(table, new, old):
        connector.query(stream, table, sql)
    if left:
        logger.warning(
            "Stream %s: columns %s of table %s are null now, as the stream does not "
            "have them; drop them if nobody needs them",
            *(stream, left, table),
        )
    return replacement_table.move(table, new_table, new, old)


def _keep(batch: Batch, connector: Connector) -> None:
    """Leave the old table as it is, or make an empty one where there is none.

    An empty reading removes no rows, as a version without records removes none: it may
    as well mean that the source could not be read.
    """
    logger.warning(
        "Stream %s: no record has come; a table that is there keeps its rows",
        batch.stream,
    )
    sql = replacement_table.make_alike(batch.table, batch.filled.qualified)
    connector.query(batch.stream, batch.table, sql)


def _warn_of_increments(batch: Batch, state: Mapping[str, Any]) -> None:
    if replacement_table.reads_increments(batch.source, batch.properties, state):
        logger.warning(
            "Stream %s: its state has a bookmark, so the tap sends only what is new, "
            "and load_method overwrite leaves only what was sent; have the tap read "
            "the full table, or use upsert",
            batch.stream,
        )
