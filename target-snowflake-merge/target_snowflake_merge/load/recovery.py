"""What earlier runs have left in the journal is brought to its end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from target_snowflake_merge.journal.run_folder import Stored, entries, folders
from target_snowflake_merge.load.delivery import RefusedError
from target_snowflake_merge.warehouse.ledger import REMOVING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    from target_snowflake_merge.journal.entry import Kind, Status
    from target_snowflake_merge.journal.journal import Journal
    from target_snowflake_merge.journal.run_folder import RunFolder
    from target_snowflake_merge.load.delivery import Delivery
    from target_snowflake_merge.warehouse.ledger import Ledger

DONE = {"loaded", "superseded"}
"""The states of a replay that has loaded everything; a halved one is superseded."""

REPLAYED = {"failed", "superseded", "discarded"}
"""The states of what is not loaded by itself, until a replay has done it."""

KEYED_SINCE = (
    "its run ended before the outcome was known, and its table has been loaded by key "
    "since, where its rows may be already; load the stream again"
)

logger = logging.getLogger(__name__)


def settle(
    journal: Journal,
    delivery: Delivery,
    ledger: Ledger,
    check: Callable[[], None] | None = None,
) -> None:
    """Bring the statements of runs that have ended to their end.

    What was in flight is sent again under its request id. The ledger gets the rows that
    it lacks, and what is old is forgotten.

    Args:
        journal: The journal.
        delivery: Sends the statements.
        ledger: Gets the rows.
        check: Raises an exception where no further statement is to be sent.

    Raises:
        TargetError: Snowflake cannot be reached, or the journal not be read.
    """
    with journal.idle_runs() as runs:
        own = list(statements_of(journal, runs))
        if any(not one.entry.is_settled for one in own):
            ledger.open()
        complete(journal, runs, ledger)
        for stored in sorted(own, key=_removals_first):
            if not stored.entry.is_settled:
                if check:
                    check()
                note_others(journal, runs, ledger)
                _settle(stored, delivery, ledger)
                if stored.entry.kind in REMOVING:
                    complete(journal, runs, ledger)
        mark_replayed(journal, runs)
        complete(journal, runs, ledger)
        journal.forget_old(runs)


def note_others(journal: Journal, runs: Iterable[RunFolder], ledger: Ledger) -> None:
    """Take into account what living runs have sent: the ledger learns of it later.

    Raises:
        TargetError: The journal cannot be read.
    """
    ended = {run.path for run in runs}
    note(journal, [one for one in folders(journal.path) if one not in ended], ledger)


def note(journal: Journal, found: Iterable[Path], ledger: Ledger) -> None:
    """Take into account what the runs of some folders have sent.

    Raises:
        TargetError: The journal cannot be read.
    """
    for folder in found:
        for entry in entries(folder):
            if journal.owns(entry):
                ledger.learn_removals(entry)


def _removals_first(found: Stored) -> bool:
    """Order what removes rows before the batches, which must not bring them back."""
    return found.entry.kind not in REMOVING


def complete(journal: Journal, runs: Iterable[RunFolder], ledger: Ledger) -> None:
    """Write into the ledger what the journal knows of outcomes and it does not.

    Raises:
        TargetError: The ledger or the journal cannot be written.
    """
    found = statements_of(journal, runs)
    lacking = [one for one in found if one.entry.is_settled and not one.entry.in_ledger]
    record(ledger, lacking)


def statements_of(journal: Journal, runs: Iterable[RunFolder]) -> Iterator[Stored]:
    """Go through the statements for this journal's destination."""
    for run in runs:
        for entry in run.entries():
            if journal.owns(entry):
                yield Stored(run, entry)


def _settle(stored: Stored, delivery: Delivery, ledger: Ledger) -> None:
    run, entry = stored.run, stored.entry
    if run.is_settled(entry.request_id):  # by the statement that it is a half of
        return
    if entry.aside:
        # Its state was not passed on, so the rows come again, into another table; and
        # a new table that took its place today could be older than the one there.
        stored.put(entry.superseded("its run ended before the outcome was known"))
        return
    if ledger.is_keyed_since(entry):
        stored.put(entry.failed(KEYED_SINCE))
        logger.warning(
            "Request %s of stream %s, with %d rows: %s",
            *(entry.request_id, entry.stream, entry.rows, KEYED_SINCE),
        )
        return
    logger.info(
        "Request %s of stream %s was in flight when its run ended; settling it",
        *(entry.request_id, entry.stream),
    )
    first = ledger.first_insertable(entry)
    try:
        for _ in delivery.deliver(
            run, entry, stored.payload(), first_sequence=first, sent_before=True
        ):
            pass
    except RefusedError as error:
        logger.warning(
            "%s It holds %d rows (request %s) that are not in the table unless the "
            "source sends them again; snowflake-merge replay --request-id %s sends "
            "them, with --discard it forgets them",
            *(error, entry.rows, error.entry.request_id, error.entry.request_id),
        )


def mark_replayed(journal: Journal, runs: Collection[RunFolder]) -> None:
    """Note of what was not loaded that a replay has loaded it, with all of its halves.

    A replay that was refused itself stands for nothing any more then, nor once its
    batch was forgotten.
    """
    known: set[str] = set()
    replays: dict[tuple[str, str], set[Status]] = {}
    for stored in statements_of(journal, [*runs, journal.run]):
        entry = stored.entry
        known.add(entry.request_id)
        if entry.replays:
            group = replays.setdefault((entry.replays, entry.run_id), set())
            group.add(entry.status)
    loaded = {of for (of, _), became in replays.items() if "loaded" in became <= DONE}
    for stored in statements_of(journal, runs):
        entry = stored.entry
        if entry.status in REPLAYED and entry.request_id in loaded:
            stored.put(entry.replayed())
        elif (
            entry.status == "failed"
            and entry.replays
            and (entry.replays in loaded or entry.replays not in known)
        ):
            stored.put(entry.stands_for_nothing())


def record(ledger: Ledger, found: Collection[Stored]) -> None:
    """Write statements into the ledger, and note in the journal that they are there.

    Raises:
        TargetError: The ledger or the journal cannot be written.
    """
    ledger.write([stored.entry for stored in found])
    for stored in found:
        stored.put(stored.entry.noted())


def supersede(
    journal: Journal, ledger: Ledger, loaded: Collection[tuple[str, Kind]]
) -> None:
    """Note that a run has loaded tables past what had failed for them before.

    A run that has failed did not pass its state on, so this one has read the same rows
    again, or what has become of them; unless it was to read others, hence the warning.

    Raises:
        TargetError: The ledger or the journal cannot be written.
    """
    with journal.idle_runs() as runs:
        past = [
            Stored(stored.run, stored.entry.passed())
            for stored in statements_of(journal, runs)
            if stored.entry.status == "failed"
            and stored.entry.run_id < journal.run.run_id
            and (stored.entry.table, _as(stored.entry.kind)) in loaded
        ]
        record(ledger, past)
        for entry in (stored.entry for stored in past):
            if entry.rows and not entry.replays:
                logger.warning(
                    "Request %s of stream %s, whose %d rows were refused before, is "
                    "superseded now that this run has loaded the table; if the source "
                    "has not sent them again, snowflake-merge replay --request-id %s "
                    "sends them",
                    *(entry.request_id, entry.stream, entry.rows, entry.request_id),
                )


def _as(kind: Kind) -> Kind:
    return "merge" if kind == "replay" else kind
