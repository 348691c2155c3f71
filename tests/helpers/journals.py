"""What lies in a journal, copies of it, and runs beside it."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from target_snowflake_merge.journal.entry import Entry, time_ordered_id
from target_snowflake_merge.journal.journal import Journal
from target_snowflake_merge.journal.run_folder import entries, folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.target.conftest import Warehouse


def journal(warehouse: Warehouse) -> list[Entry]:
    """Return the statements of all runs, in their order."""
    return [e for folder in folders(warehouse.journal) for e in entries(folder)]


def statuses(warehouse: Warehouse) -> list[str]:
    return [entry.status for entry in journal(warehouse)]


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


@contextmanager
def beside(warehouse: Warehouse, entry: Entry) -> Iterator[Callable[..., None]]:
    """Be a living run; give what writes a loaded statement into its journal."""
    living = Journal(warehouse.journal, entry.destination, 7, 2**30)

    def write(**changes: Any) -> None:
        known = {"request_id": str(uuid.uuid4()), "status": "loaded", **changes}
        living.run.write(msgspec.structs.replace(entry, **known), b"")

    yield write
    living.close()
