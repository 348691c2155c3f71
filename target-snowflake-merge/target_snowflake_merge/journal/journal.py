"""Every statement that changes data, on disk before it is sent.

A run has a folder of its own, and holds the lock in it as long as it lives. The folders
of runs that have ended are looked after by one process at a time.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import logging
import os
import threading
import time
from typing import TYPE_CHECKING

from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.journal.entry import REMOVABLE, Entry, time_ordered_id
from target_snowflake_merge.journal.run_folder import (
    FULL,
    LOCK,
    DiskQuota,
    RunFolder,
    entries,
    folders,
    readable,
    size,
    synchronize,
)
from target_snowflake_merge.sql_api.account import same_destination

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

JANITOR = "caretaker"
"""The file that is locked by whoever looks after the runs that have ended.

It is called as in earlier versions, which may run beside this one.
"""

BLOCK = 4_096
"""Bytes that a new folder takes on its volume."""

WAIT_SECONDS, WAIT_STEP_SECONDS = 60, 0.2
"""For how long room is waited for while another process has the older runs."""

logger = logging.getLogger(__name__)


class Journal:
    """All runs below one folder, which several processes may share."""

    def __init__(
        self, path: Path, destination: str, retention_days: int, max_bytes: int
    ) -> None:
        """Open a journal, and make the folder of this run.

        Args:
            path: The folder.
            destination: Names account, database and schema; what belongs to another
                destination is left alone.
            retention_days: How long statements are kept whose rows are loaded.
            max_bytes: What the journal may take on the disk.

        Raises:
            TargetError: The folder cannot be used.
        """
        self.path = path
        self.destination = destination
        self.protected_ids: Collection[str] = ()
        """Request ids of statements that are not forgotten to make room."""

        self._retention = dt.timedelta(days=retention_days)
        self._room = DiskQuota(max_bytes)
        self._threads = threading.Lock()
        self._caring = threading.RLock()
        self._idle: list[RunFolder] | None = None
        try:
            _make_folder(path)
            self._mutex = _lock_file(path / LOCK)
            self._janitor = _lock_file(path / JANITOR)
            self._own: list[RunFolder] = []
            self.run = self._created()
            self._own.append(self.run)
            self._began = _changed_at(self.run.path)
        except (OSError, ValueError) as error:  # a NUL in the path
            reason = getattr(error, "strerror", None) or error
            raise TargetError(
                f"The journal {path} cannot be opened ({reason}); correct "
                "journal_path or its rights, or make room there."
            ) from error
        self._room.used = size(path)

    def _created(self) -> RunFolder:
        """Make the folder of this run, also where the volume is full."""
        while True:
            try:
                return self._create(time_ordered_id())
            except OSError as error:
                if error.errno not in FULL or not self._free(BLOCK):
                    raise

    def _create(self, run_id: str) -> RunFolder:
        # The mutex: nobody may find a folder idle before it is locked by its maker.
        with self._alone():
            folder = self.path / run_id
            folder.mkdir(mode=0o700)
            synchronize(self.path)
            self._lock = _lock_file(folder / LOCK)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        return self._run(folder)

    def _run(self, folder: Path) -> RunFolder:
        return RunFolder(folder, self._room, self._make_room, self._free)

    def owns(self, entry: Entry) -> bool:
        """Whether a statement is for this journal's destination."""
        return same_destination(entry.destination, self.destination)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with self._threads:
            fcntl.flock(self._mutex, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._mutex, fcntl.LOCK_UN)

    @contextlib.contextmanager
    def idle_runs(self) -> Iterator[list[RunFolder]]:
        """Look after the folders of runs that have ended, in their order.

        There are none where another process looks after them.

        Raises:
            TargetError: They cannot be read, or not be cleaned.
        """
        with self._looked_after() as runs:
            yield runs or []

    @contextlib.contextmanager
    def _looked_after(self) -> Iterator[list[RunFolder] | None]:
        """Give the runs that have ended, or None where another process has them."""
        with self._caring:
            if self._idle is not None or not _try_lock(self._janitor):
                yield self._idle
                return
            try:
                with self._alone():
                    self._idle = [self._run(path) for path in self._ended()]
                for run in self._idle:
                    run.clean()
                yield self._idle
                with self._alone():
                    for run in self._idle:
                        run.remove_if_empty()
            finally:
                self._idle = None
                fcntl.flock(self._janitor, fcntl.LOCK_UN)

    def _ended(self) -> list[Path]:
        return [path for path in folders(self.path) if _is_idle(path)]

    def beside(self) -> list[Path]:
        """Return the folders of the other runs that have gone on since this one began.

        Raises:
            TargetError: They cannot be listed.
        """
        others = (path for path in folders(self.path) if path != self.run.path)
        return [path for path in others if _changed_at(path) >= self._began]

    def runs(self) -> tuple[set[str], set[str]]:
        """Return the identities of the runs that live, and of those that have ended."""
        with self._alone():
            ended = {path.name for path in self._ended()}
            return {path.name for path in folders(self.path)} - ended, ended

    def close(self) -> None:
        """End this run; its folder is for others to look after."""
        with self._alone():
            try:
                self.run.remove_if_empty()
            except TargetError as error:
                logger.warning("%s", error)
            os.close(self._lock)
        os.close(self._janitor)
        os.close(self._mutex)

    def _make_room(self, wanted: int) -> None:
        """Remove the oldest loaded statements, and stop where that is not enough."""
        limit = self._room.limit
        for _ in self._forgetting(lambda _: limit - wanted):
            if self._room.used + wanted <= limit:
                return
        raise TargetError(
            f"The journal {self.path} would exceed journal_max_bytes ({limit}), and "
            "what it holds is still needed; raise the limit, or replay or discard what "
            "has failed (snowflake-merge replay). The batch was not sent."
        )

    def _free(self, wanted: int) -> bool:
        """Remove as much for the sake of the volume; say whether there was anything."""
        return any(self._forgetting(lambda used: used - wanted))

    def _forgetting(self, keep: Callable[[int], int]) -> Iterator[int]:
        """Remove the oldest statements that are no longer needed.

        Args:
            keep: Says how many bytes may stay, of so many that there are.

        Yields:
            The bytes that are freed. Where the caller needs more, they are tried again
            until another process that looks after the older runs lets go of them.
        """
        end = time.monotonic() + WAIT_SECONDS
        is_told = False
        while True:
            with self._looked_after() as runs:
                self._room.used = size(self.path)
                goal = keep(self._room.used)
                yield sum(
                    self._shrink(run, goal) for run in [*(runs or ()), *self._own]
                )
            if runs is not None or time.monotonic() >= end:
                return
            if not is_told:
                is_told = True
                logger.info(
                    "The journal is full, and another process looks after the older "
                    "runs in it; waiting for it"
                )
            time.sleep(WAIT_STEP_SECONDS)

    def _shrink(self, run: RunFolder, goal: int) -> int:
        """Forget what a run no longer needs until the journal has so many bytes."""
        freed = 0
        for entry in entries(run.path):
            if self._room.used <= goal:
                break
            if entry.status in REMOVABLE and entry.request_id not in self.protected_ids:
                freed += run.forget(entry)
        return freed

    def forget_old(self, runs: list[RunFolder]) -> None:
        """Remove what is loaded, for this destination, and older than the retention."""
        oldest = (dt.datetime.now(dt.UTC) - self._retention).isoformat()
        for run in runs:
            for entry in entries(run.path):
                is_old = (entry.finished_at or entry.created_at) < oldest
                if entry.status in REMOVABLE and is_old and self.owns(entry):
                    run.forget(entry)


def _make_folder(path: Path) -> None:
    """Make the folder where it is missing, and bring its name onto the disk."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in missing:
        synchronize(folder.parent)


def _changed_at(folder: Path) -> int:
    """Return when files came into a folder or left it; 0 where it is gone."""
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _lock_file(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _try_lock(descriptor: int) -> bool:
    """Lock a file, and return whether nobody else had."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_idle(folder: Path) -> bool:
    """Whether the process to which a folder belongs has ended."""
    with readable(folder):
        lock = _lock_file(folder / LOCK)
    try:
        return _try_lock(lock)
    finally:
        os.close(lock)
