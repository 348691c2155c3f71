"""Runs that are killed at a statement."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from tests.helpers import proxy

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def bill(id_: str, extracted: str = EARLY, **more: Any) -> dict[str, Any]:
    message = {"type": "RECORD", "stream": "bill", "record": {"id": id_, "name": "n"}}
    return {**message, "time_extracted": extracted, **more}


def killed(
    warehouse: Warehouse,
    action: proxy.Action,
    *messages: Any,
    at: int = 0,
    **changes: Any,
) -> None:
    """Run with messages, and be killed at a statement that changes data."""
    with proxy.before(warehouse.admin.url, {at: action}) as between:
        run = warehouse.start(*messages, host=between.url, **changes)
        between.client = run.pid
        done = run.done()
    assert done.code == -signal.SIGKILL, done.log
