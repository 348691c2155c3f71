"""Loading by several threads, one statement per table at a time."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import threading
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.journal.run_folder import Stored
from target_snowflake_merge.load.delivery import RefusedError
from target_snowflake_merge.load.recovery import note, record, supersede

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from target_snowflake_merge.journal.entry import Entry, Kind
    from target_snowflake_merge.journal.journal import Journal
    from target_snowflake_merge.load.checkpoints import Checkpoints, Place
    from target_snowflake_merge.load.delivery import Delivery
    from target_snowflake_merge.warehouse.ledger import Ledger

logger = logging.getLogger(__name__)

LEDGER_AT_ONCE = 100
"""Statements that may wait for their rows in the ledger while a run goes on."""


@dataclass
class Totals:
    """What this run has loaded."""

    statements: int = 0
    rows: int = 0
    inserted: int = 0
    updated: int = 0

    def add(self, entry: Entry) -> None:
        """Count a loaded batch."""
        self.statements += 1
        self.rows += entry.rows
        self.inserted += entry.inserted
        self.updated += entry.updated


@dataclass
class _Finished:
    """What came of one task of a worker."""

    table: str
    entries: list[Entry]
    error: BaseException | None = None


class Loader:
    """Sends batches while the input is read on, and passes states on in time.

    All of its methods belong to the main thread; only the statements themselves are
    executed by workers, which wake the main thread when one has ended.
    """

    def __init__(  # noqa: PLR0913 - what a run consists of
        self,
        *,
        delivery: Delivery,
        journal: Journal,
        ledger: Ledger,
        checkpoints: Checkpoints,
        pass_on: Callable[[Any], None],
        parallelism: int,
    ) -> None:
        """Start with nothing in flight."""
        self._delivery = delivery
        self._journal = journal
        self._ledger = ledger
        self._checkpoints = checkpoints
        self._pass_on = pass_on
        self._workers = ThreadPoolExecutor(parallelism, thread_name_prefix="loader")
        self._in_flight: set[str] = set()
        self._finished: deque[_Finished] = deque()
        self._unrecorded: list[Entry] = []
        self.run_id = journal.run.run_id
        self._totals: dict[str, Totals] = {}
        self.held: Counter[str] = Counter()
        """The rows that each table has got in this run, as far as Snowflake has said.
        """

        self.loaded: set[tuple[str, Kind]] = set()
        """The tables that this run has loaded, and by which kind of statement."""

        self._awake, self.waker = os.pipe()
        os.set_blocking(self._awake, False)
        os.set_blocking(self.waker, False)
        wake_at_signals(self.waker)

    def send(self, entry: Entry, payload: bytes, name: Place) -> None:
        """Hand a statement to a worker, once its table has none in flight.

        Raises:
            TargetError: Something that was sent before has failed.
        """
        self.settle(entry.table)
        self._checkpoints.move(name, ("in flight", entry.table))
        self._in_flight.add(entry.table)
        self._workers.submit(self._work, entry, payload)

    def _work(self, entry: Entry, payload: bytes) -> None:
        """Execute a statement in a worker, and wake the main thread."""
        finished = _Finished(entry.table, [])
        try:
            entry = self._guarded(entry)
            stored = self._journal.run.write(entry, payload)
            for done in self._delivery.deliver(stored, payload):
                finished.entries.append(done)
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            finished.error = error
        self._finished.append(finished)
        self.wake()

    def _guarded(self, entry: Entry) -> Entry:
        """Let a MERGE not insert what runs beside this one have removed by now.

        As late as can be: until now it waited for its table, and for a worker.
        """
        if entry.kind == "merge":
            note(self._journal, self._journal.beside(), self._ledger)
        return self._ledger.guarded(entry)

    def wake(self) -> None:
        """End a `wait`; safe in any thread."""
        # Where the pipe is full, the main thread has enough to wake up for.
        with contextlib.suppress(BlockingIOError):
            os.write(self.waker, b"\0")

    def settle(self, *tables: str) -> None:
        """Wait until nothing is in flight for some tables, or for any.

        Raises:
            TargetError: Something that was sent before has failed.
        """
        self.collect()
        while self._in_flight & set(tables or self._in_flight):
            self.wait()

    def wait(self, descriptor: int | None = None, timeout: float | None = None) -> bool:
        """Wait until a statement ends, there is input, or time has passed.

        Args:
            descriptor: The input to wait for, if any.
            timeout: Seconds; None to wait for ever.

        Returns:
            Whether there is input.

        Raises:
            TargetError: Something that was sent before has failed.
        """
        watched = [self._awake] if descriptor is None else [self._awake, descriptor]
        ready, _, _ = select.select(watched, [], [], timeout)
        if self._awake in ready:
            os.read(self._awake, select.PIPE_BUF)
        self.collect()
        return descriptor in ready

    def collect(self) -> None:
        """Take in what the workers have finished.

        Raises:
            TargetError: Something that was sent before has failed.
        """
        if self._finished:
            errors = list(self._taken_in())
            self.pass_states_on()
            if errors:
                raise errors[0]
            if len(self._unrecorded) >= LEDGER_AT_ONCE:
                self.record()

    def _taken_in(self) -> Iterator[BaseException]:
        while self._finished:
            finished = self._finished.popleft()
            self._in_flight.discard(finished.table)
            self._unrecorded += finished.entries
            for entry in finished.entries:
                self._count(entry)
            if finished.error is None:
                self._checkpoints.close(("in flight", finished.table))
                continue
            if isinstance(finished.error, RefusedError):
                self._unrecorded.append(finished.error.entry)
            yield finished.error

    def _count(self, entry: Entry) -> None:
        if entry.status == "loaded":
            self.loaded.add((entry.table, entry.kind))
            self.held[entry.table] += entry.inserted - entry.deleted
            if entry.kind == "merge":
                self._totals.setdefault(entry.stream, Totals()).add(entry)

    def pass_states_on(self) -> None:
        """Write the newest state that nothing holds back."""
        state = self._checkpoints.passable()
        if state is not None:
            self._pass_on(state)

    def record(self) -> None:
        """Write the rows of the ledger that wait.

        Raises:
            TargetError: They are not written, or perhaps not; the next run repairs it.
        """
        entries, self._unrecorded = self._unrecorded, []
        record(self._ledger, [Stored(self._journal.run, entry) for entry in entries])

    def finish(self) -> None:
        """End a run whose whole input is loaded.

        Raises:
            TargetError: The ledger is not complete; the next run repairs it.
        """
        self.settle()
        self.pass_states_on()
        supersede(self._journal, self._ledger, self.loaded)
        self.record()

    def abandon(self) -> None:
        """Send nothing more, and bring to its end what is in flight."""
        while self._in_flight:
            try:
                self.wait()
            except TargetError as error:
                logger.error("%s", error)  # noqa: TRY400 - the sentence says it all
        try:
            self.record()
        except TargetError as error:
            logger.warning("%s The next run will complete the ledger.", error)
        self.close()

    def close(self) -> None:
        """Give back threads and descriptors."""
        self._workers.shutdown()
        self._journal.close()
        wake_at_signals(-1)
        os.close(self._awake)
        os.close(self.waker)

    def summary(self) -> Iterator[str]:
        """Say what this run has loaded, a line per stream."""
        for stream, totals in self._totals.items():
            yield (
                f"Stream {stream}: {totals.rows} rows loaded by {totals.statements} "
                f"statements, {totals.inserted} inserted, {totals.updated} updated"
            )


def wake_at_signals(descriptor: int) -> None:
    """Have signals write to a descriptor; -1 for none. Only the main thread may."""
    if threading.current_thread() is threading.main_thread():
        signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)
