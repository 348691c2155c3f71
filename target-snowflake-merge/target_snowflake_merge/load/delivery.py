"""One statement of the journal, to its end: sent, halved, loaded or refused."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from target_snowflake_merge.errors import (
    StatementError,
    StatementTooLargeError,
    TargetError,
)
from target_snowflake_merge.warehouse.diagnosis import as_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from target_snowflake_merge.journal.entry import Entry
    from target_snowflake_merge.journal.run_folder import RunFolder, Stored
    from target_snowflake_merge.sql_api.client import Result
    from target_snowflake_merge.warehouse.connector import Connector

logger = logging.getLogger(__name__)


class _Place(msgspec.Struct):
    """What a half of a batch must know of an element."""

    sequence: int


class RefusedError(TargetError):
    """Snowflake definitely refused a statement of the journal."""

    def __init__(self, message: str, entry: Entry) -> None:
        """Describe the refusal."""
        super().__init__(message)
        self.entry = entry


class Delivery:
    """Sends statements that are in the journal, and writes there what became of them.

    Threads may share it, each with statements of its own.
    """

    def __init__(self, connector: Connector) -> None:
        """Prepare to send."""
        self._connector = connector

    def deliver(
        self,
        stored: Stored,
        payload: bytes,
        *,
        first_sequence: int | None = None,
        sent_before: bool = False,
    ) -> Iterator[Entry]:
        """Execute a statement; one that Snowflake finds too large is halved.

        Args:
            stored: The statement.
            payload: Its bind; empty where it has none.
            first_sequence: The first sequence that it may insert; None for any.
            sent_before: Whether it may have been sent already, by a run that has ended.

        Yields:
            The statements that were executed or halved, as the journal has them now.

        Raises:
            RefusedError: Snowflake definitely refused it; the journal says so.
            TargetError: The outcome is unknown; the journal still has it in flight.
        """
        entry = stored.entry.sent()
        if sent_before:
            stored.put(entry)
        started = time.monotonic()
        try:
            result = self._connector.execute(
                entry, payload, first_sequence=first_sequence, sent_before=sent_before
            )
        except StatementTooLargeError as error:
            halves = list(self._halves(stored.run, entry, payload, error))
            places = " and ".join(half.entry.request_id for half, _ in halves)
            why = f"too large for Snowflake, sent as {places}"
            yield stored.put(entry.superseded(why)).entry
            for half, part in halves:
                yield from self.deliver(half, part, first_sequence=first_sequence)
            return
        except StatementError as error:
            message = self._explained(entry, payload, error)
            raise _refused(stored.run, entry, message) from error
        loaded = stored.put(_executed(entry, result)).entry
        logger.info("%s", described(loaded, time.monotonic() - started))
        yield loaded

    def _explained(self, entry: Entry, payload: bytes, error: StatementError) -> str:
        ask = partial(self._connector.query, entry.stream, entry.table)
        table = entry.aside or entry.table
        return as_sentence(ask, table, payload, entry.keys, error)

    def _halves(
        self, run: RunFolder, entry: Entry, payload: bytes, error: StatementError
    ) -> Iterator[tuple[Stored, bytes]]:
        """Make two statements of one, the same two each time.

        Their rows keep the request id and their places, so that nothing doubles even
        where the whole has been executed after all.
        """
        if entry.rows <= 1:
            message = (
                f"Stream {entry.stream}: a single record of {len(payload) - 2} bytes "
                "is too large for Snowflake."
            )
            raise _refused(run, entry, message) from error
        elements = msgspec.json.decode(payload, type=list[msgspec.Raw])
        middle = len(elements) // 2
        for name, part in (("1", elements[:middle]), ("2", elements[middle:])):
            rows = msgspec.json.encode(part)
            ends = _sequence(part[0]), _sequence(part[-1])
            yield run.write(entry.half(name, len(part), rows, *ends), rows), rows


def _sequence(element: msgspec.Raw) -> int:
    return msgspec.json.decode(element, type=_Place).sequence


def _executed(entry: Entry, result: Result) -> Entry:
    """Say of a statement what Snowflake has answered.

    Raises:
        TargetError: It has changed rows, and the answer does not say how many.
    """
    verbs = () if entry.sql.startswith("CREATE") else ("inserted", "updated", "deleted")
    counts = {verb: result.count(verb) for verb in verbs}
    return entry.loaded(result.handle, result.attempts, **counts)


def _refused(run: RunFolder, entry: Entry, message: str) -> RefusedError:
    """Note a refusal in the journal, and return the error to raise."""
    entry = entry.failed(message)
    try:
        run.update(entry)
    except TargetError as error:
        # Why Snowflake refused it comes first; the next run asks it again.
        message = f"{message} {error}"
    return RefusedError(message, entry)


def described(entry: Entry, seconds: float) -> str:
    """Say in one line what a statement has done."""
    where = (
        f"(request {entry.request_id}, statement {entry.statement_handle}, "
        f"{seconds:.2f} s)"
    )
    if entry.kind == "activate_version":
        done = f"Marked {entry.updated}"
        if entry.deleted or entry.load_method == "hard_delete":
            done = f"Removed {entry.deleted}"
        return f"{done} rows of {entry.stream} as deleted {where}"
    if entry.kind == "overwrite":
        return f"The new rows of {entry.stream} have taken their place {where}"
    verb = "Replayed" if entry.kind == "replay" else "Loaded"
    return (
        f"{verb} {entry.rows} rows of {entry.stream}: {entry.inserted} inserted, "
        f"{entry.updated} updated {where}"
    )
