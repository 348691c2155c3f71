"""What lies in a journal, and copies of it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import msgspec
from target_snowflake_merge.journal.entry import Entry, time_ordered_id
from target_snowflake_merge.journal.run_folder import entries, folders

if TYPE_CHECKING:
    from pathlib import Path

    from tests.target.conftest import Warehouse


def journal(warehouse: Warehouse) -> list[Entry]:
    return [e for folder in folders(warehouse.journal) for e in entries(folder)]


def copied(folder: Path, times: int) -> list[str]:
    """Make so many runs of one; return their request ids."""
    (entry,) = entries(folder)
    rows = (folder / f"{entry.request_id}.rows").read_bytes()
    ids = []
    for _ in range(times):
        run = folder.with_name(time_ordered_id())
        run.mkdir()
        ids.append(str(uuid.uuid4()))
        copy = msgspec.structs.replace(entry, request_id=ids[-1], run_id=run.name)
        (run / f"{ids[-1]}.json").write_bytes(msgspec.json.encode(copy))
        (run / f"{ids[-1]}.rows").write_bytes(rows)
    return ids
