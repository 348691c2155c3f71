"""Runs that are killed at a statement."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from tests.helpers import batches, proxy

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse


def bill(id_: str, extracted: str = batches.EARLY, **more: Any) -> dict[str, Any]:
    return batches.bill(id_, "n", extracted, **more)


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
