"""The company's records: all in memory, each change written through to SQLite."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from decimal import Decimal, localcontext
from hashlib import blake2b
from typing import TYPE_CHECKING, TypedDict

from sandbox.acumatica.model.endpoints import READABLE, TABLES
from sandbox.acumatica.model.values import ENCODER, RECORD_DECODER, Record, key_text
from sandbox.processes import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

FILE = "acumatica.db"
CREATE = """
CREATE TABLE IF NOT EXISTS records (
    entity TEXT, id TEXT, body BLOB, PRIMARY KEY (entity, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER);
"""
SUM_DIGITS = 80
"""Enough for a sum of millions of amounts of 38 digits."""

Key = tuple[str, ...]


class Summary(TypedDict):
    """How many records an entity has, and what they add up to, exactly."""

    rows: int
    amount_field: str | None
    amount: str | None


class Store:
    """The records of one company.

    Opening a store takes a lock on its file, because the server's copy in memory must
    stay the truth. The lock ends with ``close`` or with the process.

    Args:
        data_dir: The folder of the database file; made when missing.

    Raises:
        SandboxError: Another process has the file open.
    """

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self.database = open_database(data_dir / FILE)
        self.load()

    def load(self) -> None:
        """Take into memory what the file holds."""
        self.records: dict[str, dict[str, Record]] = {name: {} for name in TABLES}
        self.ordered: dict[str, list[Record]] = {}
        self.salts: dict[str, bytes] = {}
        for entity, body in self.database.execute("SELECT entity, body FROM records"):
            record = RECORD_DECODER.decode(body)
            self.records[entity][record.id] = record

    def give(self, file: Path) -> None:
        """Write a copy of the company, whole or not at all."""
        part = file.with_suffix(f".{os.getpid()}")
        with closing(sqlite3.connect(part)) as copy:
            self.database.backup(copy)
        part.replace(file)

    def take(self, file: Path) -> None:
        """Replace what the store holds by the company of a copy."""
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as copy:
            copy.backup(self.database)
        self.load()

    def close(self) -> None:
        """Give the file back."""
        self.database.close()

    @property
    def empty(self) -> bool:
        """Whether there is no company yet."""
        return not any(self.records.values())

    def key(self, entity: str, record: Record) -> Key:
        """The values of a record's natural key."""
        return tuple(key_text(record.fields.get(k)) for k in TABLES[entity].keys)

    def rows(self, entity: str) -> list[Record]:
        """All records of an entity, by ascending natural key unless shuffled."""
        if entity not in self.ordered:
            self.ordered[entity] = sorted(
                self.records[entity].values(), key=self.order(entity)
            )
        return self.ordered[entity]

    def order(self, entity: str) -> Callable[[Record], Key | bytes]:
        """What an entity's records are sorted by."""
        salt = self.salts.get(entity)
        if salt is None:
            return lambda row: self.key(entity, row)
        return lambda row: blake2b(row.id.encode(), digest_size=8, key=salt).digest()

    def shuffle(self, entity: str, salt: str | None) -> None:
        """Choose the order of an entity's records.

        Args:
            entity: The entity.
            salt: Decides the order, in which records that come later have their place
                too; None is the order of natural keys.
        """
        self.ordered.pop(entity, None)
        self.salts.pop(entity, None)
        if salt is not None:
            self.salts[entity] = salt.encode()

    def by_id(self, entity: str, record_id: str) -> Record | None:
        """The record with an id."""
        return self.records[entity].get(record_id.lower())

    def by_key(self, entity: str, key: Key) -> Record | None:
        """The record with a natural key."""
        wanted = tuple(key_text(part) for part in key)
        rows = self.rows(entity)
        return next((row for row in rows if self.key(entity, row) == wanted), None)

    def put(
        self,
        changes: Iterable[tuple[str, Record]],
        removed: Iterable[tuple[str, Record]] = (),
    ) -> None:
        """Add, replace and remove records, all of them or none.

        Args:
            changes: Entities and records to add or replace.
            removed: Entities and records to remove, before the others are added.
        """
        rows = [(entity, row, ENCODER.encode(row)) for entity, row in changes]
        gone = [(entity, row.id) for entity, row in removed]
        with self.database:
            self.database.executemany(
                "DELETE FROM records WHERE entity = ? AND id = ?", gone
            )
            self.database.executemany(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?)",
                [(entity, row.id, body) for entity, row, body in rows],
            )
        for entity, record_id in gone:
            del self.records[entity][record_id]
            self.ordered.pop(entity, None)
        for entity, row, _ in rows:
            self.records[entity][row.id] = row
            self.ordered.pop(entity, None)

    def replace(self, entity: str, rows: Iterable[Record]) -> None:
        """Put other records in the place of all; they come by natural key again."""
        self.shuffle(entity, None)
        removed = [(entity, row) for row in self.records[entity].values()]
        self.put([(entity, row) for row in rows], removed)

    def clear(self) -> None:
        """Remove the company."""
        with self.database:
            self.database.execute("DELETE FROM records")
            self.database.execute("DELETE FROM facts")
        self.load()

    def fact(self, name: str) -> int:
        """A number that the company remembers, such as its seed; 0 before it is set."""
        query = "SELECT value FROM facts WHERE name = ?"
        found = self.database.execute(query, (name,)).fetchone()
        return int(found[0]) if found else 0

    def remember(self, name: str, value: int) -> None:
        """Set a number that the company remembers."""
        with self.database:
            self.database.execute(
                "INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value)
            )

    def summary(self) -> dict[str, Summary]:
        """Rows and sums of what the company's days are about."""
        return {entity: self.summarize(entity) for entity in READABLE}

    def summarize(self, entity: str) -> Summary:
        """Rows and the sum of one entity."""
        rows = self.rows(entity)
        field = TABLES[entity].amount
        amount = exact_sum(rows, field) if field else None
        return {"rows": len(rows), "amount_field": field, "amount": amount}


def open_database(file: Path) -> sqlite3.Connection:
    """Open the file and keep other processes out."""
    # The server answers from one thread, but starts in another under some runners.
    database = sqlite3.connect(file, timeout=1, check_same_thread=False)
    try:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA synchronous = OFF")
        database.executescript(f"BEGIN EXCLUSIVE; {CREATE} COMMIT;")
    except sqlite3.OperationalError as error:
        database.close()
        raise SandboxError(
            f"{file} is in use; stop the sandbox's Acumatica server first ({error})."
        ) from error
    return database


def exact_sum(rows: Iterable[Record], field: str) -> str:
    """The sum of a field, or of a field of detail lines, in plain notation."""
    lines, _, name = field.rpartition("/")
    with localcontext() as context:
        context.prec = SUM_DIGITS
        total = Decimal(0)
        for row in rows:
            for fields in row.fields.get(lines) or [] if lines else [row.fields]:
                total += fields.get(name) or 0
        return format(total, "f")
