"""The file that keeps the newest refresh token: each use of one makes it void."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from filelock import FileLock, Timeout

from tap_acumatica.errors import AcumaticaError, SettingError
from tap_acumatica.integrity import verified, with_checksum

if TYPE_CHECKING:
    from collections.abc import Iterator

CHAIN_DAYS = 30
"""Days after its first token at which Acumatica ends a chain of refresh tokens, however
often it is used. Source: Integration Development Guide, "Sliding Expiration of Refresh
Tokens"."""
NOTICE_DAYS = 7
"""Days before that at which a run begins to warn."""
LONGEST_TURN = 600
"""Seconds to wait for another process that uses the file, such as one in which a person
signs in."""

RESERVED = 4_096
"""Bytes that a token has room for, whatever else fills the volume meanwhile."""

logger = logging.getLogger("tap-acumatica")


class Content(msgspec.Struct):
    """What the file holds.

    Attributes:
        refresh_token: The newest token.
        grown_from: The digest of the setting that the first token came from; empty for
            one that ``acumatica login`` has obtained.
        began: When the first token of the chain was obtained, or, for one that came
            from the setting, first used; None in files of older versions.
    """

    refresh_token: str
    grown_from: str = ""
    began: datetime | None = None


class TokenFile:
    """A file of mode 0600, written whole or not at all."""

    def __init__(self, path: str, first: str | None = None) -> None:
        """Name the file; it need not be there yet.

        Args:
            path: Its path.
            first: The token that was given as a setting. It is used as long as no token
                that grew from it is in the file.

        Raises:
            SettingError: The path is in the folder of a user who is not there, or no
                file can have it.
        """
        # A link stays one, and each of its names gives the same lock.
        try:
            self._path = Path(path).expanduser().resolve()
        except (RuntimeError, ValueError) as error:
            raise SettingError(
                f"Setting 'refresh_token_path': {path!r} cannot be used ({error})."
            ) from error
        self._new = Path(f"{self._path}.new")
        self._first = first
        self._grown_from = sha256(first.encode()).hexdigest() if first else ""
        self._began: datetime | None = None
        self._has_warned = False

    @property
    def age(self) -> str:
        """How old the chain of the token is that `newest` has returned, for people."""
        days = self._days()
        known = "of an unknown age" if days is None else f"at least {days} days old"
        return (
            f"{known}; Acumatica ends one after {CHAIN_DAYS} days, unless the "
            "connected application (SM303010) has Sliding Expiration"
        )

    def _days(self) -> int | None:
        if self._began is None:
            return None
        return max((datetime.now(UTC) - self._began).days, 0)

    def _warn(self) -> None:
        """Say once that the chain may soon end; beyond its end it has another one."""
        days = self._days() or 0
        if CHAIN_DAYS - NOTICE_DAYS <= days <= CHAIN_DAYS and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "The chain of refresh tokens is %s: run `acumatica login` in time.",
                self.age,
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from using and exchanging the token meanwhile.

        Raises:
            SettingError: The file cannot be replaced; this is found out before the
                token is used.
            AcumaticaError: Another process does not let go of it.
        """
        lock = FileLock(f"{self._path}.lock", mode=0o600)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.is_dir():
                raise SettingError(self._unusable(f"{self._path} is a folder"))
            if os.path.ismount(self._path):
                raise SettingError(
                    self._unusable(
                        f"{self._path} is mounted by itself, so no new file can take "
                        "its place; mount its folder instead"
                    )
                )
            try:
                lock.acquire(timeout=0)
            except Timeout:
                self._wait_for(lock)
        except OSError as error:
            raise SettingError(self._unusable(error)) from error
        try:
            self._reserve()
            yield
        finally:
            with suppress(OSError):
                self._new.unlink(missing_ok=True)
            lock.release()

    def _reserve(self) -> None:
        """Take room for the next token while the old one is good.

        Raises:
            SettingError: There is none.
        """
        try:
            # What a crash has left may have other rights.
            self._new.unlink(missing_ok=True)
            self._write(bytes(RESERVED))
        except OSError as error:
            raise SettingError(self._unusable(error)) from error

    def _write(self, content: bytes) -> None:
        """Write the file that is to take the other one's place, in the room it has."""
        descriptor = os.open(self._new, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())

    def _wait_for(self, lock: FileLock) -> None:
        logger.warning(
            "Another process uses %s: waiting for it, %d seconds at most.",
            self._path,
            LONGEST_TURN,
        )
        try:
            lock.acquire(timeout=LONGEST_TURN)
        except Timeout as error:
            raise AcumaticaError(
                f"Another process has used {self._path} for {LONGEST_TURN} seconds. "
                "End it, such as an `acumatica login` that nobody has answered, and "
                "run this again."
            ) from error

    def begin(self, refresh_token: str) -> None:
        """Put the first token of a new chain in the place of what the file holds.

        Raises:
            AcumaticaError: It cannot be written; the sign-in must be repeated.
        """
        self._began = datetime.now(UTC)
        self.keep(refresh_token)

    def keep(self, refresh_token: str) -> None:
        """Put a token in the place of the one that `newest` has returned.

        Raises:
            AcumaticaError: It cannot be written; the sign-in must be repeated.
        """
        content = Content(refresh_token, self._grown_from, self._began)
        try:
            self._write(with_checksum(msgspec.json.encode(content)))
            self._new.replace(self._path)
            _make_durable(self._path.parent)
        except OSError as error:
            raise AcumaticaError(
                f"{self._unusable(error)} The old token is void: run `acumatica login`."
            ) from error

    def newest(self) -> str:
        """Return the token of the file, or the first one.

        Raises:
            SettingError: There is none, or the file cannot be read.
        """
        try:
            known = verified(self._path.read_bytes())
            content = msgspec.json.decode(known, type=Content)
        except FileNotFoundError:
            content = None
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise SettingError(
                f"{self._unusable(error)} Where it is damaged, remove it and run "
                "`acumatica login`."
            ) from error
        if content and (not self._first or content.grown_from == self._grown_from):
            self._began = content.began
            self._warn()
            return content.refresh_token
        if not self._first:
            raise SettingError(
                f"There is no refresh token in {self._path}: run `acumatica login`, or "
                "set refresh_token."
            )
        self._began = datetime.now(UTC)
        return self._first

    def _unusable(self, error: Exception | str) -> str:
        return (
            "The file of refresh tokens (setting 'refresh_token_path') cannot be "
            f"used: {error}."
        )


def _make_durable(folder: Path) -> None:
    """Let new names in a folder survive a loss of power, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        # Some network folders refuse this, and a folder may be written to by somebody
        # who may not read it; the token is there all the same.
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
