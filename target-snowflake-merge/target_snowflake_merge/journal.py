"""Every statement that changes data, on disk before it is sent.

A run has a folder of its own, and holds the lock in it as long as it lives. Each
statement is two files there, ``<request id>.json`` with what is known about it and
``<request id>.rows`` with its bind. The rows are written first and never change; the
small file is only ever replaced as a whole. So a crash at any byte leaves either no
statement, which then was not sent, or one that can be read and sent again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import os
import secrets
import threading
import time
import uuid
from typing import TYPE_CHECKING, Literal

import msgspec

from target_snowflake_merge.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Status = Literal["in_flight", "loaded", "failed", "discarded", "superseded"]
Kind = Literal["merge", "activate_version", "replay", "overwrite"]

REMOVABLE = {"loaded", "superseded", "discarded"}
"""What may be forgotten; what is in flight or has failed may not."""

ENTRY, ROWS, LOCK = ".json", ".rows", "lock"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A statement: what it takes to send it again, and what became of it."""

    request_id: str
    batch_id: str
    """The request id that stands in its rows: of the first statement that had them."""

    run_id: str
    destination: str
    stream: str
    table: str
    """The qualified name."""

    aside: str = ""
    """The qualified name of the table that a run fills to take the place of `table`."""

    kind: Kind
    load_method: str
    sql: str
    keys: tuple[str, ...] = ()
    """The properties by which its records are known."""

    insertion_at: int | None = None
    """Where the insertion of a MERGE begins, before which a replay has a condition."""

    rows: int = 0
    bytes: int = 0
    checksum: str = ""
    first_sequence: int | None = None
    last_sequence: int | None = None
    version: int | None = None
    created_at: str
    status: Status = "in_flight"
    statement_handle: str = ""
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    started_at: str | None = None
    finished_at: str | None = None
    attempts: int = 0
    error: str = ""
    in_ledger: bool = False
    replays: str = ""
    """The request id of the statement that this one sends again."""

    @property
    def is_settled(self) -> bool:
        """Whether its outcome is known."""
        return self.status != "in_flight"


decoder = msgspec.json.Decoder(Entry)
encoder = msgspec.json.Encoder()


class Run:
    """The folder of one run, which this process owns."""

    def __init__(self, path: Path, lock: int) -> None:
        """Take over a folder.

        Args:
            path: The folder.
            lock: The descriptor of its locked file.
        """
        self.path = path
        self._lock = lock

    @property
    def run_id(self) -> str:
        """The run's identity; in their order runs have begun."""
        return self.path.name

    def write(self, entry: Entry, payload: bytes) -> None:
        """Keep a statement; when this returns, it survives a loss of power.

        Raises:
            TargetError: It cannot be written.
        """
        with self._writing():
            _replace(self.path / f"{entry.request_id}{ROWS}", payload)
            self._put(entry)

    def update(self, entry: Entry) -> None:
        """Replace what is known about a statement.

        Raises:
            TargetError: It cannot be written.
        """
        with self._writing():
            self._put(entry)

    def _put(self, entry: Entry) -> None:
        _replace(self.path / f"{entry.request_id}{ENTRY}", encoder.encode(entry))

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TargetError(
                f"The journal {self.path} cannot be written ({error.strerror}); make "
                "room there or set journal_path. What was not written was not sent."
            ) from error

    def entries(self) -> list[Entry]:
        """Return the statements in the order in which they were made.

        Raises:
            TargetError: A file of the journal is damaged.
        """
        return entries(self.path)

    def is_settled(self, request_id: str) -> bool:
        """Whether the outcome of a statement is known by now."""
        path = self.path / f"{request_id}{ENTRY}"
        return decoder.decode(path.read_bytes()).is_settled

    def payload(self, entry: Entry) -> bytes:
        """Return the bind of a statement.

        Raises:
            TargetError: It is gone, or not what it was.
        """
        return payload(self.path, entry)

    def clean(self) -> None:
        """Remove what a crash left half written; it was never sent."""
        known = {entry.request_id for entry in self.entries()}
        for path in self.path.iterdir():
            is_orphan = path.suffix == ROWS and path.stem not in known
            if path.suffix == ".tmp" or is_orphan:
                path.unlink()

    def forget(self, entry: Entry) -> int:
        """Remove a statement; what the ledger must still learn of it stays.

        Returns:
            The bytes that are free again.
        """
        freed = 0
        # The rows last: without the small file they are what a crash left.
        for suffix in (ENTRY, ROWS) if entry.in_ledger else (ROWS,):
            path = self.path / f"{entry.request_id}{suffix}"
            with contextlib.suppress(FileNotFoundError):
                freed += path.stat().st_size
                path.unlink()
        return freed

    def release(self) -> None:
        """Give the folder up; an empty one is removed."""
        if not any(path.name != LOCK for path in self.path.iterdir()):
            (self.path / LOCK).unlink()
            self.path.rmdir()
        os.close(self._lock)


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
        self._retention = dt.timedelta(days=retention_days)
        self._max_bytes = max_bytes
        self._size_lock = threading.Lock()
        self._threads = threading.Lock()
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._mutex = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            self.run = self._create(time_ordered_id())
        except OSError as error:
            raise TargetError(
                f"The journal {path} cannot be opened ({error.strerror}); correct "
                "journal_path or its rights, or make room there."
            ) from error
        self._bytes = size(path)

    def _create(self, run_id: str) -> Run:
        # The mutex: nobody may take a folder over before it is locked by its maker.
        with self._alone():
            folder = self.path / run_id
            folder.mkdir(mode=0o700)
            synchronize(self.path)
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
        return Run(folder, lock)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with self._threads:
            fcntl.flock(self._mutex, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._mutex, fcntl.LOCK_UN)

    @contextlib.contextmanager
    def idle_runs(self) -> Iterator[list[Run]]:
        """Take over the folders of runs that have ended, in their order.

        Those of a run that lives are its own, or whoever has taken them over.
        """
        with self._alone():
            runs = [run for path in folders(self.path) if (run := _taken(path))]
        try:
            yield runs
        finally:
            with self._alone():
                for run in runs:
                    run.release()

    def runs(self) -> tuple[set[str], set[str]]:
        """Return the identities of the runs that live, and of those that have ended."""
        with self.idle_runs() as idle:
            ended = {run.run_id for run in idle}
            return {path.name for path in folders(self.path)} - ended, ended

    def close(self) -> None:
        """End this run; its folder is for others to take over."""
        with self._alone():
            self.run.release()
        os.close(self._mutex)

    def write(self, entry: Entry, payload: bytes) -> None:
        """Keep a statement of this run before it is sent.

        Raises:
            TargetError: It cannot be written, or there is no room for it.
        """
        with self._size_lock:
            if self._bytes + len(payload) > self._max_bytes:
                self._make_room(len(payload))
            self._bytes += len(payload)
        self.run.write(entry, payload)

    def _make_room(self, wanted: int) -> None:
        """Remove the oldest loaded statements, and stop where that is not enough."""
        with self.idle_runs() as runs:
            self._bytes = size(self.path)
            for run in [*runs, self.run]:
                for entry in run.entries():
                    if self._bytes + wanted <= self._max_bytes:
                        return
                    if entry.status in REMOVABLE:
                        self._bytes -= run.forget(entry)
        if self._bytes + wanted > self._max_bytes:
            raise TargetError(
                f"The journal {self.path} would exceed journal_max_bytes "
                f"({self._max_bytes}), and what it holds is not loaded yet; raise the "
                "limit, or replay or discard what has failed (snowflake-merge replay). "
                "The batch was not sent."
            )

    def forget_old(self, runs: list[Run]) -> None:
        """Remove what is loaded and older than the retention."""
        oldest = (dt.datetime.now(dt.UTC) - self._retention).isoformat()
        for run in runs:
            for entry in run.entries():
                is_old = (entry.finished_at or entry.created_at) < oldest
                if entry.status in REMOVABLE and is_old:
                    run.forget(entry)


def entries(folder: Path) -> list[Entry]:
    """Read the statements of a run's folder, which may belong to a living run.

    Raises:
        TargetError: A file is damaged.
    """
    found = []
    for path in folder.glob(f"*{ENTRY}"):
        try:
            found.append(decoder.decode(path.read_bytes()))
        except FileNotFoundError:  # its owner has removed it meanwhile
            continue
        except msgspec.DecodeError as error:
            raise TargetError(
                f"The journal's file {path} is damaged ({error}); move it away to go "
                "on without it."
            ) from error
    return sorted(found, key=lambda entry: (entry.created_at, entry.request_id))


def payload(folder: Path, entry: Entry) -> bytes:
    """Read the bind of a statement.

    Raises:
        TargetError: It is gone, or not what it was.
    """
    path = folder / f"{entry.request_id}{ROWS}"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TargetError(
            f"The journal's file {path} cannot be read ({error.strerror}); discard the "
            f"batch with snowflake-merge replay --request-id {entry.request_id} "
            "--discard and load its rows from the source."
        ) from error
    if checksum(content) != entry.checksum:
        raise TargetError(
            f"The journal's file {path} has been changed or damaged; discard the batch "
            f"with snowflake-merge replay --request-id {entry.request_id} --discard "
            "and load its rows from the source."
        )
    return content


def folders(path: Path) -> list[Path]:
    """Return the folders of all runs, the oldest first."""
    return sorted(found for found in path.iterdir() if found.is_dir())


def size(path: Path) -> int:
    """Return the bytes of all files below a folder."""
    total = 0
    for found in path.glob("*/*"):
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile
            total += found.stat().st_size
    return total


def _taken(folder: Path) -> Run | None:
    """Take a folder over, unless its owner lives."""
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    run = Run(folder, lock)
    run.clean()
    return run


def _replace(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all, and onto the disk."""
    temporary = path.with_suffix(f"{path.suffix}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has a mode
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)
    synchronize(path.parent)


def synchronize(folder: Path) -> None:
    """Bring the names in a folder onto the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def checksum(content: bytes) -> str:
    """Return the SHA-256 of a payload, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def time_ordered_id() -> str:
    """Return a UUID whose text sorts by the time of its making (version 7).

    https://www.rfc-editor.org/rfc/rfc9562#section-5.7
    """
    milliseconds = time.time_ns() // 1_000_000
    number = milliseconds << 80 | secrets.randbits(80)
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=number))


def now() -> str:
    """Return the present time as the journal writes it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
