"""The folder of one run in the journal, and the files in it.

Each statement is two files, ``<request id>.json`` with what is known about it and
``<request id>.rows`` with its bind. The rows are written first and never change; the
small file is only ever replaced as a whole. So a crash at any byte leaves either no
statement, which then was not sent, or one that can be read and sent again. Both have a
checksum, which stands in the small file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.integrity import DamagedError, verified, with_checksum
from target_snowflake_merge.journal.entry import (
    DISCARDABLE,
    REMOVABLE,
    Entry,
    checksum,
    decoder,
    encoder,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ENTRY, ROWS, TEMPORARY = ".json", ".rows", ".tmp"
LOCK = "lock"

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
FOLDER = re.compile(UUID)
FILE = re.compile(rf"{UUID}({ENTRY}|{ROWS})({TEMPORARY})?")
"""How runs and their files are called; whatever else lies there is somebody else's."""


FULL = {errno.ENOSPC, errno.EDQUOT}
"""What the system answers where a volume, or the user's part of it, is full."""


class DiskQuota:
    """Counts the bytes of a journal; threads may share it."""

    def __init__(self, limit: int) -> None:
        """Start with nothing."""
        self.limit = limit
        self.used = 0
        self._lock = threading.Lock()

    def add(self, change: int) -> None:
        """Note that files have grown or shrunk."""
        with self._lock:
            self.used += change

    def take(self, wanted: int) -> bool:
        """Take what a new statement needs, and return whether there was as much."""
        with self._lock:
            is_enough = self.used + wanted <= self.limit
            self.used += wanted if is_enough else 0
        return is_enough


class RunFolder:
    """The folder of one run, which this process looks after."""

    def __init__(
        self,
        path: Path,
        room: DiskQuota,
        make_room: Callable[[int], None],
        free: Callable[[int], bool],
    ) -> None:
        """Take over a folder.

        Args:
            path: The folder.
            room: Counts its bytes.
            make_room: Makes room for so many bytes, or raises an error.
            free: Removes as many bytes of the journal that are no longer needed, for
                the sake of its volume, and returns whether there were any.
        """
        self.path = path
        self._room = room
        self._make_room = make_room
        self._free = free

    @property
    def run_id(self) -> str:
        """The run's identity; in their order runs have begun."""
        return self.path.name

    def write(self, entry: Entry, payload: bytes) -> Stored:
        """Keep a statement; when this returns, it survives a loss of power.

        Raises:
            TargetError: It cannot be written, or there is no room for it.
        """
        content = with_checksum(encoder.encode(entry))
        while not self._room.take(len(payload) + len(content)):
            self._make_room(len(payload) + len(content))
        rows = self.path / f"{entry.request_id}{ROWS}"
        with self._writing(
            "make room there or set journal_path. What was not written was not sent."
        ):
            self._put(rows, payload)
            try:
                self._put(self.path / f"{entry.request_id}{ENTRY}", content)
            except OSError:
                with contextlib.suppress(OSError):
                    rows.unlink()
                raise
        return Stored(self, entry)

    def update(self, entry: Entry) -> None:
        """Replace what is known about a statement, which may have been sent.

        Raises:
            TargetError: It cannot be written.
        """
        path = self.path / f"{entry.request_id}{ENTRY}"
        content = with_checksum(encoder.encode(entry))
        growth = len(content) - file_size(path)
        with self._writing(
            f"make room there. Request {entry.request_id} of stream {entry.stream} "
            "was sent; the next run settles it."
        ):
            self._put(path, content)
        self._room.add(growth)

    def _put(self, path: Path, content: bytes) -> None:
        """Write a file; what is no longer needed goes first where the volume is full.

        Raises:
            OSError: It cannot be written.
        """
        while True:
            try:
                _replace(path, content)
            except OSError as error:
                if error.errno not in FULL or not self._free(len(content)):
                    raise
            else:
                return

    @contextlib.contextmanager
    def _writing(self, advice: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TargetError(
                f"The journal {self.path} cannot be written ({error.strerror}); "
                f"{advice}"
            ) from error

    def is_settled(self, request_id: str) -> bool:
        """Whether the outcome of a statement is known by now."""
        path = self.path / f"{request_id}{ENTRY}"
        try:
            return read(path).is_settled
        except FileNotFoundError:  # so well that it was forgotten
            return True

    def clean(self) -> None:
        """Remove what a crash left half written; it was never sent."""
        known = {entry.request_id for entry in entries(self.path)}
        for path in files(self.path):
            is_orphan = path.suffix == ROWS and path.stem not in known
            if path.suffix == TEMPORARY or is_orphan:
                self._remove(path)

    def forget(self, entry: Entry) -> int:
        """Remove a statement; what the ledger must still learn of it stays.

        Returns:
            The bytes that are freed.

        Raises:
            TargetError: It cannot be removed.
        """
        freed = 0
        for name in _forgettable(entry):
            path = self.path / name
            freed += file_size(path)
            self._remove(path)
        self._room.add(-freed)
        return freed

    def _remove(self, path: Path) -> None:
        with self._writing("correct the rights of what is below it."):
            path.unlink(missing_ok=True)

    def remove_if_empty(self) -> None:
        """Remove the folder where it holds no statement.

        Raises:
            TargetError: It cannot be removed.
        """
        with self._writing("correct the rights of what is below it."):
            if not any(path.name != LOCK for path in self.path.iterdir()):
                (self.path / LOCK).unlink(missing_ok=True)
                self.path.rmdir()


@dataclass(frozen=True)
class Stored:
    """A statement, and the folder that holds it."""

    run: RunFolder
    entry: Entry

    def payload(self) -> bytes:
        """Return its bind.

        Raises:
            TargetError: It is gone, or not what it was.
        """
        return payload(self.run.path, self.entry)

    def put(self, entry: Entry) -> Stored:
        """Replace what is known about it.

        Raises:
            TargetError: It cannot be written.
        """
        self.run.update(entry)
        return Stored(self.run, entry)


def _forgettable(entry: Entry) -> list[str]:
    """Name the files that go where a statement is forgotten, in their order.

    The rows last: without the small file they are what a crash left.
    """
    suffixes = (ENTRY, ROWS) if entry.in_ledger else (ROWS,)
    return [f"{entry.request_id}{suffix}" for suffix in suffixes]


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Explain why something of the journal cannot be read, unless it is gone.

    Raises:
        TargetError: It cannot be read, or is damaged.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise TargetError(
            f"The journal's {path} cannot be read ({error.strerror}); correct its "
            "rights, move it away, or set another journal_path."
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, DamagedError) as error:
        raise TargetError(
            f"The journal's file {path} is damaged ({error}); move it away to go "
            "on without it."
        ) from error


def read(path: Path) -> Entry:
    """Read what is known about a statement.

    Raises:
        FileNotFoundError: It is gone.
        TargetError: It is damaged, or cannot be read.
    """
    with readable(path):
        return decoder.decode(verified(path.read_bytes()))


def entries(folder: Path) -> list[Entry]:
    """Read the statements of a run's folder, which may belong to a living run.

    Raises:
        TargetError: A file is damaged, or cannot be read.
    """
    found = []
    for path in files(folder):
        # What its owner has removed meanwhile is none of its statements any more.
        with contextlib.suppress(FileNotFoundError):
            if path.suffix == ENTRY:
                found.append(read(path))
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
            f"The journal's file {path} cannot be read ({error.strerror}); "
            f"{_without_rows(entry)}"
        ) from error
    if checksum(content) != entry.checksum:
        raise TargetError(
            f"The journal's file {path} has been changed or damaged; "
            f"{_without_rows(entry)}"
        )
    return content


def _without_rows(entry: Entry) -> str:
    """Say what to do about a batch whose rows cannot be sent again."""
    if entry.status in DISCARDABLE:
        return (
            "discard the batch with snowflake-merge replay --request-id "
            f"{entry.request_id} --discard and load its rows from the source."
        )
    return (
        f"the batch is {entry.status}, so leave it out with --status or --request-id, "
        "and load its rows from the source if they are missed."
    )


def folders(path: Path) -> list[Path]:
    """Return the folders of all runs, the oldest first.

    Raises:
        TargetError: They cannot be listed.
    """
    with readable(path):
        found = [one for one in path.iterdir() if FOLDER.fullmatch(one.name)]
        return sorted(one for one in found if one.is_dir())


def files(folder: Path) -> list[Path]:
    """Return the files of a run, which may be ending.

    Raises:
        TargetError: They cannot be listed.
    """
    with contextlib.suppress(FileNotFoundError), readable(folder):
        return [path for path in folder.iterdir() if FILE.fullmatch(path.name)]
    return []


def size(path: Path) -> int:
    """Return the bytes of all runs.

    Raises:
        TargetError: They cannot be listed.
    """
    return sum(file_size(file) for folder in folders(path) for file in files(folder))


def needless(path: Path) -> int:
    """Return the bytes of what a journal can do without, and check all that it holds.

    Raises:
        TargetError: Something is damaged, or cannot be read; it is named. Of what can
            be done without, only the small files are looked at.
    """
    found = 0
    for folder in folders(path):
        for entry in entries(folder):
            if entry.status not in REMOVABLE:
                payload(folder, entry)
                continue
            found += sum(file_size(folder / name) for name in _forgettable(entry))
    return found


def file_size(path: Path) -> int:
    """Return the bytes of a file, none where it was removed meanwhile."""
    with contextlib.suppress(FileNotFoundError), readable(path):
        return path.stat().st_size
    return 0


def _replace(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all, and onto the disk."""
    temporary = path.with_suffix(f"{path.suffix}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has a mode
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):  # what is half written takes room
            temporary.unlink()
        raise
    synchronize(path.parent)


def synchronize(folder: Path) -> None:
    """Bring the names in a folder onto the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
