"""The records of one stream, and batches of them that were refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.helpers.journals import journal

if TYPE_CHECKING:
    from target_snowflake_merge.journal.entry import Entry

    from tests.target.conftest import Warehouse

SCHEMA = {
    "type": "SCHEMA",
    "stream": "bill",
    "schema": {"properties": {"id": {"type": "string"}, "name": {"type": "string"}}},
    "key_properties": ["id"],
}

EARLY, MIDDLE, LATE = (f"2026-01-0{day}T00:00:00Z" for day in (1, 2, 3))


def bill(
    id_: str, name: str = "", extracted: str = EARLY, **more: Any
) -> dict[str, Any]:
    record = {"id": id_, "name": name, **more.pop("record", {})}
    message = {"type": "RECORD", "stream": "bill", "record": record}
    return {**message, "time_extracted": extracted, **more}


def activate(version: int) -> Any:
    return {"type": "ACTIVATE_VERSION", "stream": "bill", "version": version}


def failed(warehouse: Warehouse, *messages: Any, **settings: Any) -> Entry:
    """Load messages whose last batch Snowflake refuses; return its statement."""
    warehouse.admin.fault("error", contains='"BILL" AS t', code="000603", times=1)
    run = warehouse.load(*messages, **settings)
    assert run.code == 1, run.log
    (entry,) = [entry for entry in journal(warehouse) if entry.status == "failed"]
    return entry
