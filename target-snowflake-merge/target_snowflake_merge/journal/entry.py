"""What the journal knows of a statement, and what may become of it (pure).

=============  =====================================================================
in flight      loaded, failed, superseded or discarded
failed         loaded (by a replay), superseded or discarded
superseded     loaded (by a replay)
discarded      loaded (by a replay)
loaded         nothing more
=============  =====================================================================
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import time
import uuid
from typing import Literal

import msgspec
from msgspec.structs import replace

Status = Literal["in_flight", "loaded", "failed", "discarded", "superseded"]
Kind = Literal["merge", "activate_version", "replay", "overwrite"]

REMOVABLE = {"loaded", "superseded", "discarded"}
"""What may be forgotten; what is in flight or has failed may not."""

DISCARDABLE = {"failed", "in_flight"}
"""What may be discarded: the rows of all others are in the table, or given up."""


Bind = bytes
"""The text of the rows; the name of the type is that of a field below."""

FOLLOWING: dict[Status, set[Status]] = {
    "in_flight": {"loaded", "failed", "superseded", "discarded"},
    "failed": {"loaded", "superseded", "discarded"},
    "superseded": {"loaded"},
    "discarded": {"loaded"},
    "loaded": set(),
}
"""Which status may follow which."""


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

    def _became(self, status: Status, **changes: object) -> Entry:
        """Return it in another status, of which the ledger does not know yet.

        Raises:
            ValueError: The status does not follow its own.
        """
        if status not in FOLLOWING[self.status]:
            raise ValueError(
                f"Request {self.request_id} is {self.status} and cannot become {status}"
            )
        return replace(self, status=status, in_ledger=False, **changes)

    def sent(self) -> Entry:
        """Return it as it is sent, perhaps once more."""
        return replace(self, started_at=now(), attempts=self.attempts + 1)

    def loaded(self, handle: str, attempts: int, **counts: int) -> Entry:
        """Return it as executed.

        Args:
            handle: The statement handle.
            attempts: How often it was sent for this answer.
            counts: The rows that were inserted, updated and deleted.
        """
        return self._became(
            "loaded",
            statement_handle=handle,
            attempts=self.attempts + attempts - 1,
            finished_at=now(),
            error="",
            **counts,
        )

    def failed(self, why: str) -> Entry:
        """Return it as refused: its rows are not in the table."""
        return self._became("failed", finished_at=now(), error=why)

    def superseded(self, why: str) -> Entry:
        """Return it as one whose place others have taken."""
        return self._became("superseded", finished_at=now(), error=why)

    def passed(self) -> Entry:
        """Return a refused one whose table has been loaded past it.

        A half of a replay is not superseded then, which would mean that its own halves
        have loaded it.
        """
        return self._became("discarded" if self.replays else "superseded")

    def discarded(self) -> Entry:
        """Return it as given up."""
        return self._became("discarded", finished_at=now())

    def replayed(self) -> Entry:
        """Return it as loaded by a replay."""
        return self._became("loaded", error="")

    def stands_for_nothing(self) -> Entry:
        """Return a refused replay whose batch another one has loaded, or is gone."""
        return self._became("superseded")

    def noted(self) -> Entry:
        """Return it as one that the ledger has as it is."""
        return replace(self, in_ledger=True)

    def half(self, name: str, rows: int, bind: Bind, first: int, last: int) -> Entry:
        """Return the statement of a half of its rows, the same one each time."""
        return replace(
            self,
            request_id=str(uuid.uuid5(uuid.UUID(self.request_id), name)),
            rows=rows,
            bytes=len(bind),
            checksum=checksum(bind),
            first_sequence=first,
            last_sequence=last,
            created_at=now(),
            attempts=0,
        )

    def again(self, run_id: str) -> Entry:
        """Return a statement of its own that sends the same rows again."""
        known = {name: getattr(self, name) for name in KEPT}
        return Entry(
            **known,
            request_id=str(uuid.uuid4()),
            replays=self.request_id,
            run_id=run_id,
            kind="replay" if self.kind == "merge" else self.kind,
            created_at=now(),
        )


KEPT = (
    *("batch_id", "destination", "stream", "table", "aside", "load_method", "sql"),
    *("keys", "insertion_at", "rows", "bytes", "checksum"),
    *("first_sequence", "last_sequence", "version"),
)
"""What a statement that sends rows again has from the first one."""

decoder = msgspec.json.Decoder(Entry)
encoder = msgspec.json.Encoder()


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
