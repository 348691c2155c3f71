"""Batches that were refused, and what the journal has of them."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from target_snowflake_merge.journal.journal import Journal
from target_snowflake_merge.journal.run_folder import entries, folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from target_snowflake_merge.journal.entry import Entry

    from tests.target.conftest import Warehouse

SCHEMA = {
    "type": "SCHEMA",
    "stream": "bill",
    "schema": {"properties": {"id": {"type": "string"}, "name": {"type": "string"}}},
    "key_properties": ["id"],
}


EARLY, MIDDLE, LATE = (f"2026-01-0{day}T00:00:00Z" for day in (1, 2, 3))


def bill(id_: str, name: str = "", extracted: str = EARLY, **more: Any) -> Any:
    record = {"id": id_, "name": name, **more.pop("record", {})}
    message = {"type": "RECORD", "stream": "bill", "record": record}
    return {**message, "time_extracted": extracted, **more}


def activate(version: int) -> Any:
    return {"type": "ACTIVATE_VERSION", "stream": "bill", "version": version}


def journal(warehouse: Warehouse) -> list[Entry]:
    """Return the statements of all runs, in their order."""
    return [e for folder in folders(warehouse.journal) for e in entries(folder)]


def statuses(warehouse: Warehouse) -> list[str]:
    return [entry.status for entry in journal(warehouse)]


def failed(warehouse: Warehouse, *messages: Any, **settings: Any) -> Entry:
    """Load messages whose last batch Snowflake refuses; return its statement."""
    warehouse.admin.fault("error", contains='"BILL" AS t', code="000603", times=1)
    run = warehouse.load(*messages, **settings)
    assert run.code == 1, run.log
    (entry,) = [entry for entry in journal(warehouse) if entry.status == "failed"]
    return entry


@contextmanager
def beside(warehouse: Warehouse, entry: Entry) -> Iterator[Callable[..., None]]:
    """Be a living run; give what writes a loaded statement into its journal."""
    living = Journal(warehouse.journal, entry.destination, 7, 2**30)

    def write(**changes: Any) -> None:
        known = {"request_id": str(uuid.uuid4()), "status": "loaded", **changes}
        living.run.write(msgspec.structs.replace(entry, **known), b"")

    yield write
    living.close()
