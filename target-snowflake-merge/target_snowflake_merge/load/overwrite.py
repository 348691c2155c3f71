"""The load method overwrite: new rows take the place of the old ones.

Each run fills tables of its own, so that two runs never mix their rows. What a run that
broke off has left is dropped by the next one.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.journal.entry import checksum
from target_snowflake_merge.warehouse import replacement_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_snowflake_merge.journal.entry import Entry
    from target_snowflake_merge.journal.journal import Journal
    from target_snowflake_merge.load.loader import Loader
    from target_snowflake_merge.sinks import MergeSink
    from target_snowflake_merge.warehouse.connector import Connector

logger = logging.getLogger(__name__)


def drop_remnants(journal: Journal, connector: Connector) -> None:
    """Drop what runs that have ended were filling.

    Args:
        journal: Tells which runs live.
        connector: Finds and drops the tables.

    Raises:
        TargetError: The tables cannot be listed or dropped.
    """
    found = connector.tables_that_begin_with(replacement_table.PREFIX)
    living, ended = journal.runs() if found else (set(), set())
    for table in replacement_table.remnants(found, living, ended, time.time()):
        logger.info("Dropping table %s, which a run that broke off has left", table)
        connector.drop(table)


def take_places(
    sinks: Sequence[MergeSink],
    loader: Loader,
    connector: Connector,
    state: Mapping[str, Any],
    check: Callable[[], None],
) -> None:
    """Put the rows of the tables that were filled in the place of the old ones.

    Args:
        sinks: The streams, whose rows are all loaded.
        loader: Sends the statements.
        connector: Drops the tables that were filled.
        state: The last state of the input.
        check: Raises an exception where no further table is to take its place.

    Raises:
        TargetError: A table has not taken its place, or is left over beside it.
    """
    for sink in sinks:
        loader.settle(sink.table)
        check()
        if sink.filled.order.first is None:
            _keep(sink, connector)
            continue
        _warn_of_increments(sink, state)
        _check_count(sink, loader.held[sink.table], connector)
        sql = _taking_place(sink, connector)
        loader.send(_entry(sink, sql), b"", place(sink))
    loader.settle_all()
    for sink in sinks:
        connector.drop(replacement_table.name(loader.run_id, sink.filled.name))


def place(sink: MergeSink) -> tuple[str, str]:
    """Under which name the states are held until a table has taken its place."""
    return ("overwriting", sink.stream_name)


def _check_count(sink: MergeSink, said: int, connector: Connector) -> None:
    """Leave an old table as it is where the new one lacks rows that it was given.

    Each statement is a session of its own, and what one of them has done is there for
    the next one only if the account and Snowflake are as they should be.

    Args:
        sink: The stream.
        said: How many rows Snowflake has said to insert.
        connector: Counts them.
    """
    new = sink.filled.qualified
    result = connector.query(sink.stream_name, new, replacement_table.count(new))
    held = int(result.rows[0]["ROWS"] or 0)
    if held < said:
        raise TargetError(
            f"Stream {sink.stream_name}: of {said} rows that Snowflake has inserted "
            f"into table {new} {held} are there, so table {sink.table} keeps its own; "
            "run it again, and do not load before this is understood."
        )


def _taking_place(sink: MergeSink, connector: Connector) -> str:
    """Make the old table ready, and write what puts the new rows in their place."""
    stream, table, new_table = sink.stream_name, sink.table, sink.filled.qualified
    new = sink.filled.columns
    old = connector.columns(stream, table)
    if old is None:
        return replacement_table.make(table, new_table)
    if why := replacement_table.misfit(new, old):
        logger.warning(
            "Stream %s: table %s is replaced, since %s; it keeps its grants and tags, "
            "but not the policies that were set on it, and its streams (CDC) end",
            *(stream, table, why),
        )
        return replacement_table.replace_table(table, new_table)
    for sql in replacement_table.widen(table, new, old):
        connector.query(stream, table, sql)
    if left := replacement_table.lacking(new, old):
        logger.warning(
            "Stream %s: columns %s of table %s are null now, as the stream does not "
            "have them; drop them if nobody needs them",
            *(stream, ", ".join(left), table),
        )
    return replacement_table.move(table, new_table, new, old)


def _entry(sink: MergeSink, sql: str) -> Entry:
    return sink.entry(
        kind="overwrite",
        load_method=sink.load_method,
        sql=sql,
        checksum=checksum(b""),
        first_sequence=sink.filled.order.first,
        last_sequence=sink.filled.order.first,
    )


def _keep(sink: MergeSink, connector: Connector) -> None:
    """Leave the old table as it is, or make an empty one where there is none.

    An empty reading removes no rows, as a version without records removes none: it may
    as well mean that the source could not be read.
    """
    logger.warning(
        "Stream %s: no record has come; a table that is there keeps its rows",
        sink.stream_name,
    )
    sql = replacement_table.make_alike(sink.table, sink.filled.qualified)
    connector.query(sink.stream_name, sink.table, sql)


def _warn_of_increments(sink: MergeSink, state: Mapping[str, Any]) -> None:
    if replacement_table.reads_increments(
        sink.source, sink.schema["properties"], state
    ):
        logger.warning(
            "Stream %s: its state has a bookmark, so the tap sends only what is new, "
            "and load_method overwrite leaves only what was sent; have the tap read "
            "the full table, or use upsert",
            sink.stream_name,
        )
