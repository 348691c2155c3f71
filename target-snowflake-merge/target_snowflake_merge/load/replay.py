"""Sending batches of the journal again."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import sys
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import msgspec

from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.journal.entry import DISCARDABLE
from target_snowflake_merge.journal.run_folder import entries, folders
from target_snowflake_merge.load.delivery import RefusedError
from target_snowflake_merge.load.recovery import (
    record,
)
from target_snowflake_merge.warehouse.encoder import DELETED_AT
from target_snowflake_merge.warehouse.ledger import REMOVING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterator, Sequence
    from contextlib import AbstractContextManager

    from target_snowflake_merge.journal.entry import Entry
    from target_snowflake_merge.journal.journal import Journal
    from target_snowflake_merge.journal.run_folder import Stored
    from target_snowflake_merge.load.delivery import Delivery
    from target_snowflake_merge.load.recovery import EndedRuns
    from target_snowflake_merge.warehouse.ledger import Ledger

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """Which batches are meant; what is not given does not matter."""

    statuses: Collection[str] = ()
    run_id: str | None = None
    stream: str | None = None
    since: dt.datetime | None = None
    request_ids: Collection[str] = ()

    def takes(self, entry: Entry) -> bool:
        """Whether a batch is meant; a replay is sent again by its own batch."""
        return (
            not entry.replays
            and (not self.statuses or entry.status in self.statuses)
            and self.run_id in {None, entry.run_id}
            and self.stream in {None, entry.stream}
            and (self.since is None or entry.created_at >= self.since.isoformat())
            and (not self.request_ids or entry.request_id in self.request_ids)
        )


def chosen(ended: EndedRuns, choice: Choice) -> list[Stored]:
    """Find the batches that are meant.

    Returns:
        The batches, in the order in which they were made.

    Raises:
        TargetError: One belongs to a run that lives, or a request id is unknown.
    """
    journal = ended.journal
    found = [one for one in ended.statements() if choice.takes(one.entry)]
    idle = {run.path for run in [*ended.runs, journal.run]}
    for folder in folders(journal.path):
        if folder not in idle and any(map(choice.takes, entries(folder))):
            raise TargetError(
                f"Run {folder.name} is still going on, and some of these batches are "
                "its own; try again when it has ended."
            )
    unknown = set(choice.request_ids) - {one.entry.request_id for one in found}
    for one in ended.statements() if unknown else ():
        if one.entry.request_id in unknown:
            raise TargetError(_left_out(one.entry))
    if unknown:
        raise TargetError(
            f"The journal {journal.path} holds no such batch for this schema: "
            f"{', '.join(sorted(unknown))}; snowflake-merge replay --dry-run lists "
            "those that it holds."
        )
    return found


def _left_out(entry: Entry) -> str:
    """Say why a batch is not meant though its request id was given."""
    if entry.replays:
        return (
            f"Request {entry.request_id} has sent request {entry.replays} again; give "
            "that one."
        )
    return (
        f"Request {entry.request_id} of stream {entry.stream} and run {entry.run_id} "
        f"is {entry.status}, and the other options leave it out; correct --status, "
        "--run, --stream or --since, or give --request-id alone."
    )


def send_again(found: Collection[Stored], ended: EndedRuns, delivery: Delivery) -> None:
    """Send batches again, each as a statement of its own.

    A new request id makes Snowflake execute it also where it knows the batch as loaded,
    such as after somebody has emptied the table. The rows keep the request id and the
    sequences of their batch, so that nothing is doubled and nothing newer is replaced.

    Raises:
        TargetError: Some were refused; the others were sent. Or some must not be sent
            again; none was sent.
    """
    journal, ledger = ended.journal, ended.ledger
    ledger.open()
    ended.note_others()
    _check([one.entry for one in found], ledger)
    journal.protected_ids = {one.entry.request_id for one in found}
    refusals = []
    for stored in found:
        entry = stored.entry
        ended.note_others()
        first = ledger.first_insertable(entry)
        try:
            inserted = _send_again(stored, journal, delivery, first)
            ended.note_others()
            if inserted and ledger.first_insertable(entry) != first:
                _warn(entry, inserted)
        except RefusedError as error:
            logger.error("%s", error)  # noqa: TRY400 - the sentence says it all
            refusals.append(error)
    ended.mark_replayed()
    ended.complete(journal.run)
    if refusals:
        raise TargetError(_refused(len(refusals), len(found)))


def _refused(refusals: int, batches: int) -> str:
    return (
        f"{refusals} of {batches} batches were refused again; correct what Snowflake "
        "names, or discard them with --discard."
    )


def _check(found: Collection[Entry], ledger: Ledger) -> None:
    """Refuse what would leave a table with rows that are doubled or not whole."""
    reasons = {
        "are of load_method overwrite, whose tables are filled as a whole": [
            entry for entry in found if entry.aside
        ],
        "were appended to tables that have been loaded by key since, where their rows "
        "may be already": [entry for entry in found if ledger.is_keyed_since(entry)],
    }
    for reason, wrong in reasons.items():
        if wrong:
            raise TargetError(
                f"{len(wrong)} of these {len(found)} batches {reason}, such as request "
                f"{wrong[0].request_id}: load the stream again, and leave them out "
                "here, with --stream or --request-id, or discard them."
            )


def _warn(entry: Entry, inserted: int) -> None:
    """Tell of a removal that was sent while a batch was: either may have won."""
    logger.warning(
        "Request %s of stream %s has inserted %d rows while another run removed rows "
        "of the table, perhaps the same; load the stream in full again to be sure",
        *(entry.request_id, entry.stream, inserted),
    )


def _send_again(
    stored: Stored, journal: Journal, delivery: Delivery, first: int | None
) -> int:
    """Send a batch again, and return how many rows it has inserted."""
    payload = stored.payload()
    again = stored.entry.again(journal.run.run_id)
    kept = journal.run.write(again, payload)
    sent = delivery.deliver(kept, payload, first_sequence=first)
    return sum(done.inserted for done in sent if done.status == "loaded")


def discard(found: Collection[Stored], ended: EndedRuns) -> list[Entry]:
    """Give batches up: they are never sent again, unless by request id.

    With them go their replays and halves that are not settled or were refused: the
    next run would send them.

    Raises:
        TargetError: The journal or the ledger cannot be written. Or the rows of some
            are in the table, or were given up before, or the outcome of one that
            removes rows is not known; none was discarded.
    """
    every = ended.statements()
    unloaded = [one for one in every if one.entry.status in DISCARDABLE]
    given_up: dict[str, Stored] = {}
    others = []
    for whole in (stored.entry for stored in found):
        parts = [one for one in unloaded if _is_part(one.entry, whole)]
        given_up |= {one.entry.request_id: one for one in parts}
        others += [] if parts else [whole]
    _check_discardable(others, len(found), [one.entry for one in given_up.values()])
    gone = [one.put(one.entry.discarded()) for one in given_up.values()]
    record(ended.ledger, gone)
    return [one.entry for one in gone]


def _is_part(entry: Entry, whole: Entry) -> bool:
    """Whether a statement has rows of another one: its replay, a half, or itself."""
    first, last = entry.first_sequence or 0, entry.last_sequence or 0
    return (
        entry.batch_id == whole.batch_id
        and (whole.first_sequence or 0) <= first
        and last <= (whole.last_sequence or 0)
    )


def _check_discardable(
    others: Sequence[Entry], count: int, given_up: Collection[Entry]
) -> None:
    if others:
        raise TargetError(
            f"{len(others)} of these {count} batches are {others[0].status} (such as "
            f"request {others[0].request_id}); only what is failed or in_flight can be "
            "discarded, so leave them out with --status or --request-id."
        )
    for entry in given_up:
        if entry.kind in REMOVING and not entry.is_settled:
            raise TargetError(
                f"Request {entry.request_id} removes rows of stream {entry.stream}, "
                "and may have done so: once discarded, it would no longer keep them "
                "from coming back. The next run settles it, and so does replay without "
                "--discard; leave it out here with --stream or --request-id."
            )


class _Sent(msgspec.Struct):
    """An element of a batch, as it was sent."""

    record: dict[str, msgspec.Raw]
    sequence: int
    extracted_at: str | None = None
    deleted_at: str | None = None
    table_version: int | None = None


def dump(found: Collection[Stored], path: str) -> None:
    """Write the records of batches as Singer messages.

    Values stand there as they are sent, to the digit: most numbers and dates as texts.

    Args:
        found: The batches.
        path: Where to write a line for each record, for nobody else to read; ``-`` is
            standard output.

    Raises:
        TargetError: The journal has lost a batch, or the file cannot be written.
    """
    try:
        with _private(path) as file:
            for stored in found:
                entry = stored.entry
                payload = stored.payload() if entry.rows else b"[]"
                for message in _messages(entry, payload):
                    file.write(msgspec.json.encode(message) + b"\n")
                file.flush()
    except OSError as error:
        raise TargetError(
            f"The records cannot be written into {path} ({error.strerror}); make room "
            "there, or give --dump another file."
        ) from error


def _private(path: str) -> AbstractContextManager[IO[bytes]]:
    """Open a file that only its owner may read, whatever rights it had.

    Raises:
        OSError: It cannot be opened, or belongs to somebody else.
    """
    if path == "-":
        return contextlib.nullcontext(sys.stdout.buffer)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    with contextlib.ExitStack() as unusable:
        unusable.callback(os.close, descriptor)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):  # no pipe, no terminal
            os.fchmod(descriptor, 0o600)
            os.ftruncate(descriptor, 0)
        unusable.pop_all()
    return open(descriptor, "wb")  # noqa: PTH123 - a descriptor has a mode


def _messages(entry: Entry, payload: bytes) -> Iterator[dict[str, Any]]:
    for sent in msgspec.json.decode(payload, type=list[_Sent]):
        record = {**sent.record, DELETED_AT: sent.deleted_at}
        message = {
            "type": "RECORD",
            "stream": entry.stream,
            "record": record if sent.deleted_at else sent.record,
            "time_extracted": sent.extracted_at,
            "version": sent.table_version,
        }
        yield {key: value for key, value in message.items() if value is not None}
