"""The load method overwrite: new tables take the place of the old ones.

Each run fills tables of its own, so that two runs never mix their rows. What a run that
broke off has left is dropped by the next one.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from target_snowflake_merge import aside
from target_snowflake_merge.entry import checksum

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_snowflake_merge.connector import Connector
    from target_snowflake_merge.entry import Entry
    from target_snowflake_merge.journal import Journal
    from target_snowflake_merge.loader import Loader
    from target_snowflake_merge.sinks import MergeSink

logger = logging.getLogger(__name__)


def drop_remnants(journal: Journal, connector: Connector) -> None:
    """Drop what runs that have ended were filling.

    Args:
        journal: Tells which runs live.
        connector: Finds and drops the tables.

    Raises:
        TargetError: The tables cannot be listed or dropped.
    """
    found = connector.tables_that_begin_with(aside.PREFIX)
    living, ended = journal.runs() if found else (set(), set())
    for table in aside.remnants(found, living, ended, time.time()):
        logger.info("Dropping table %s, which a run that broke off has left", table)
        connector.drop(table)


def take_places(
    sinks: Sequence[MergeSink],
    loader: Loader,
    connector: Connector,
    state: Mapping[str, Any],
    check: Callable[[], None],
) -> None:
    """Put the tables that were filled in the places of the old ones.

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
        loader.send(_taking_place(sink), b"", place(sink))
    loader.settle_all()
    for sink in sinks:
        connector.drop(aside.name(loader.run_id, sink.filled.name))


def place(sink: MergeSink) -> tuple[str, str]:
    """Under which name the states are held until a table has taken its place."""
    return ("overwriting", sink.stream_name)


def _taking_place(sink: MergeSink) -> Entry:
    return sink.entry(
        kind="overwrite",
        load_method=sink.load_method,
        sql=aside.take_place(sink.table, sink.filled.qualified),
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
    sql = aside.make_alike(sink.table, sink.filled.qualified)
    connector.query(sink.stream_name, sink.table, sql)


def _warn_of_increments(sink: MergeSink, state: Mapping[str, Any]) -> None:
    if aside.reads_increments(sink.source, sink.schema["properties"], state):
        logger.warning(
            "Stream %s: its state has a bookmark, so the tap sends only what is new, "
            "and load_method overwrite leaves only what was sent; have the tap read "
            "the full table, or use upsert",
            sink.stream_name,
        )
