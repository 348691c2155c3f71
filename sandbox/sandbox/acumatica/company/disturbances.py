"""What people do to an entity's records between two requests of a client.

Rows arrive, change, leave and come in another order while somebody pages through
them; a long transaction becomes visible late. Chances follow from a seed alone, so a
case can be played again: on the same table, by the same requests, with a stopped clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec.structs import replace

from sandbox.acumatica.company.randomness import Maker
from sandbox.acumatica.model import clock
from sandbox.acumatica.model.endpoints import TABLES
from sandbox.acumatica.model.settings import Settings, change
from sandbox.acumatica.model.values import MODIFIED, Fields, Record, key_text

if TYPE_CHECKING:
    from sandbox.acumatica.model.store import Store

NAMES = {"Vendor": "VendorName", "Customer": "CustomerName"}
"""The text that an update changes, where it is not ``Description``."""

Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Disturbance(msgspec.Struct, forbid_unknown_fields=True):
    """What happens before list requests for one entity.

    Attributes:
        entity: The entity; requests for other ones and for single records are left
            alone.
        seed: Decides what happens.
        probability: How often anything happens before a list request, 0 to 1.
        most: How many operations happen at most when something does.
        inserts: Records may be added.
        updates: Records may change; they are modified now.
        deletes: Records may go.
        reorders: The order of lists may change; it stays until the next time.
        late: A transaction may become visible late: a record is added or changed whose
            LastModifiedDateTime has passed already.
        late_seconds: By how much at most.
        advance: By how many seconds the server's clock goes forward before each list
            request, whether anything happens or not.
    """

    entity: str
    seed: int = 0
    probability: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    most: Annotated[int, msgspec.Meta(ge=1)] = 3
    inserts: bool = True
    updates: bool = True
    deletes: bool = True
    reorders: bool = True
    late: bool = False
    late_seconds: Seconds = 0
    advance: Seconds = 0


class Disturber:
    """A disturbance at work.

    Args:
        wanted: What is to happen.
        store: Where it happens.
        settings: Where the clock is set.
    """

    def __init__(self, wanted: Disturbance, store: Store, settings: Settings) -> None:
        self.wanted = wanted
        self.entity = wanted.entity
        self.store = store
        self.settings = settings
        self.maker = Maker(f"disturbance {wanted.seed}")
        chances = {
            self.insert: wanted.inserts,
            self.update: wanted.updates,
            self.delete: wanted.deletes,
            self.reorder: wanted.reorders,
            self.commit_late: wanted.late,
        }
        self.operations = [operation for operation, may in chances.items() if may]

    def strike(self) -> None:
        """Do what happens before one list request."""
        if self.wanted.advance:
            offset = self.settings.clock_offset_seconds + self.wanted.advance
            change(self.settings, {"clock_offset_seconds": offset})
        if self.operations and self.maker.chance(self.wanted.probability):
            for _ in range(self.maker.number(1, self.wanted.most)):
                self.maker.pick(self.operations)()

    def some_row(self) -> Record | None:
        """Any record; None where the table is empty."""
        rows = list(self.store.records[self.entity].values())
        return self.maker.pick(rows) if rows else None

    def insert(self) -> None:
        """Somebody adds a record."""
        self.add(self.some_row(), clock.stamp(clock.now()))

    def update(self) -> None:
        """Somebody changes a record."""
        if row := self.some_row():
            self.edit(row, clock.stamp(clock.now()))

    def delete(self) -> None:
        """Somebody deletes a record."""
        if row := self.some_row():
            self.store.put([], [(self.entity, row)])

    def reorder(self) -> None:
        """The database chooses another plan, and rows come in another order."""
        self.store.shuffle(self.entity, self.maker.guid())

    def commit_late(self) -> None:
        """A transaction that began a while ago ends: a record is added or changed."""
        # A stamp is cut to milliseconds, which makes it up to one millisecond older.
        latest = max(0, self.wanted.late_seconds - 0.001)
        late_by = timedelta(seconds=self.maker.random.uniform(0, latest))
        modified = clock.stamp(clock.now() - late_by)
        row = self.some_row()
        if row and was_modified_before(row, modified) and self.maker.chance(0.5):
            self.edit(row, modified)
        else:
            self.add(row, modified)

    def edit(self, row: Record, modified: str) -> None:
        """Replace a record by one with another text."""
        fields = row.fields | self.text() | {MODIFIED: modified}
        self.store.put([(self.entity, replace(row, fields=fields))])

    def add(self, pattern: Record | None, modified: str) -> None:
        """Add a record, much like another one and next to it, or the very first."""
        record_id = self.maker.guid()
        while self.store.by_id(self.entity, record_id):
            record_id = self.maker.guid()
        keys = TABLES[self.entity].keys
        fields: Fields = dict(pattern.fields) if pattern else dict.fromkeys(keys, "X")
        first = self.maker.chance(0.1)
        beside = "" if first else key_text(fields[keys[-1]]).partition("-")[0]
        fields |= self.text() | {keys[-1]: f"{beside}-{record_id[:8]}"}
        fields |= {MODIFIED: modified}
        self.store.put([(self.entity, Record(record_id, fields, pinned=True))])

    def text(self) -> Fields:
        """A text that no other version of a record has."""
        name = NAMES.get(self.entity, "Description")
        return {name: f"Version {self.maker.guid()[:8]}"}


def was_modified_before(row: Record, moment: str) -> bool:
    """Whether a record's last change is older than a moment, or unknown."""
    modified = row.fields.get(MODIFIED)
    limit = datetime.fromisoformat(moment)
    return not modified or datetime.fromisoformat(modified) < limit


class Disturbances:
    """The disturbances that are in force, one an entity.

    Args:
        store: Where they happen.
        settings: Where the clock is set.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        self.at_work: dict[str, Disturber] = {}

    def begin(self, wanted: Disturbance) -> None:
        """Put a disturbance in force; it replaces the entity's former one."""
        disturber = Disturber(wanted, self.store, self.settings)
        self.at_work[wanted.entity] = disturber

    def strike(self, entity: str) -> None:
        """Do what happens before a list request for an entity."""
        if disturber := self.at_work.get(entity):
            disturber.strike()

    def end(self) -> None:
        """End all disturbances; lists come in the order of their keys again."""
        for entity in self.at_work:
            self.store.shuffle(entity, None)
        self.at_work.clear()
