"""A state that version 0.1.0 (commit 0d4a627) has written is gone on from."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.tap.conftest import RunTap

WRITTEN = Path(__file__).parents[2] / "fixtures" / "written_by_0d4a627"
LOOKBACK = timedelta(days=60)
STREAMS = ("bills", "gl_accounts", "sales_invoices")


def test_only_what_has_changed_since_is_read(run_tap: RunTap) -> None:
    state = json.loads((WRITTEN / "state.json").read_text())

    run = run_tap(*STREAMS, state=state, lookback_seconds=LOOKBACK.days * 86_400)

    assert run.exit_code == 0, run.log
    for stream in STREAMS:
        bookmark = state["bookmarks"][stream]["replication_key_value"]
        since = datetime.fromisoformat(bookmark) - LOOKBACK
        records = run.records(stream)
        assert records, run.log
        assert len(records) < 1_000, stream
        modified = [datetime.fromisoformat(r["LastModifiedDateTime"]) for r in records]
        assert min(modified) >= since
        assert run.bookmark(stream) >= datetime.fromisoformat(bookmark)
