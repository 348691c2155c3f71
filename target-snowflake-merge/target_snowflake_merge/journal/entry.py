"""What the journal knows of a statement (pure)."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import time
import uuid
from typing import Literal

import msgspec

Status = Literal["in_flight", "loaded", "failed", "discarded", "superseded"]
Kind = Literal["merge", "activate_version", "replay", "overwrite"]

REMOVABLE = {"loaded", "superseded", "discarded"}
"""What may be forgotten; what is in flight or has failed may not."""

DISCARDABLE = {"failed", "in_flight"}
"""What may be discarded: the rows of all others are in the table, or given up."""


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
