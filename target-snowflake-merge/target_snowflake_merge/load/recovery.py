"""What earlier runs have left in the journal is brought to its end."""

from __future__ import annotations

import logging
from dataclasses import dataclass
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


@dataclass(frozen=True)
class EndedRuns:
    """The runs of a journal that have ended, and the ledger that learns of them."""

    journal: Journal
    runs: Collection[RunFolder]
    ledger: Ledger

    def statements(self, *more: RunFolder) -> Iterator[Stored]:
        """Go through their statements for the journal's destination."""
        for run in (*self.runs, *more):
            for entry in entries(run.path):
                if self.journal.owns(entry):
                    yield Stored(run, entry)

    def note_others(self) -> None:
        """Take into account what living runs have sent: the ledger learns of it later.

        Raises:
            TargetError: The journal cannot be read.
        """
        ended = {run.path for run in self.runs}
        others = [one for one in folders(self.journal.path) if one not in ended]
        note(self.journal, others, self.ledger)

    def complete(self, *more: RunFolder) -> None:
        """Write into the ledger what the journal knows of outcomes and it does not.

        Raises:
            TargetError: The ledger or the journal cannot be written.
        """
        found = [one for one in self.statements(*more) if not one.entry.in_ledger]
        record(self.ledger, [one for one in found if one.entry.is_settled])

    def mark_replayed(self) -> None:
        """Note of what was not loaded that a replay has loaded it, with all its halves.

        A replay that was refused itself stands for nothing any more then, nor once its
        batch was forgotten.
        """
        known: set[str] = set()
        replays: dict[tuple[str, str], set[Status]] = {}
        for entry in (one.entry for one in self.statements(self.journal.run)):
            known.add(entry.request_id)
            if entry.replays:
                group = replays.setdefault((entry.replays, entry.run_id), set())
                group.add(entry.status)
        loaded = {
            of for (of, _), became in replays.items() if "loaded" in became <= DONE
        }
        for stored in self.statements():
            entry = stored.entry
            if entry.status in REPLAYED and entry.request_id in loaded:
                stored.put(entry.replayed())
            elif (
                entry.status == "failed"
                and entry.replays
                and (entry.replays in loaded or entry.replays not in known)
            ):
                stored.put(entry.stands_for_nothing())

    def settle(self, delivery: Delivery, check: Callable[[], None]) -> None:
        """Send what was in flight again, under its request id.

        Raises:
            TargetError: Snowflake cannot be reached, or the journal not be read.
        """
        found = list(self.statements())
        if any(not one.entry.is_settled for one in found):
            self.ledger.open()
        self.complete()
        for stored in sorted(found, key=_removals_first):
            if not stored.entry.is_settled:
                check()
                self.note_others()
                _settle(stored, delivery, self.ledger)
                if stored.entry.kind in REMOVING:
                    self.complete()


def settle(
    journal: Journal,
    delivery: Delivery,
    ledger: Ledger,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Bring the statements of runs that have ended to their end.

    The ledger gets the rows that it lacks, and what is old is forgotten. ``check``
    raises an exception where no further statement is to be sent.

    Raises:
        TargetError: Snowflake cannot be reached, or the journal not be read.
    """
    with journal.idle_runs() as runs:
        ended = EndedRuns(journal, runs, ledger)
        ended.settle(delivery, check)
        ended.mark_replayed()
        ended.complete()
        journal.forget_old(runs)


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


def _settle(stored: Stored, delivery: Delivery, ledger: Ledger) -> None:
    entry = stored.entry
    if stored.run.is_settled(entry.request_id):  # by the statement that it is a half of
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
            stored, stored.payload(), first_sequence=first, sent_before=True
        ):
            pass
    except RefusedError as error:
        logger.warning(
            "%s It holds %d rows (request %s) that are not in the table unless the "
            "source sends them again; snowflake-merge replay --request-id %s sends "
            "them, with --discard it forgets them",
            *(error, entry.rows, error.entry.request_id, error.entry.request_id),
        )


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
            for stored in EndedRuns(journal, runs, ledger).statements()
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
