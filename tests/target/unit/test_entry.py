"""What may become of a statement of the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from msgspec.structs import replace
from target_snowflake_merge.journal.entry import FOLLOWING, Entry, Status

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST = Entry(
    request_id="0a4f7d36-6d0a-4f43-8f0e-2e4f7c0b8a11",
    batch_id="0a4f7d36-6d0a-4f43-8f0e-2e4f7c0b8a11",
    run_id="first",
    destination="ACCOUNT FINANCE.ACUMATICA",
    stream="bills",
    table='"FINANCE"."ACUMATICA"."BILLS"',
    kind="merge",
    load_method="upsert",
    sql="MERGE",
    keys=("id",),
    insertion_at=3,
    rows=2,
    bytes=4,
    checksum="c",
    first_sequence=1,
    last_sequence=2,
    version=7,
    created_at="2026-01-01T00:00:00.000000+00:00",
    attempts=1,
    in_ledger=True,
)

BECOMES: dict[str, tuple[Status, Callable[[Entry], Entry]]] = {
    "loaded": ("loaded", lambda entry: entry.loaded("handle", 3, inserted=2)),
    "failed": ("failed", lambda entry: entry.failed("why")),
    "superseded": ("superseded", lambda entry: entry.superseded("why")),
    "passed": ("superseded", lambda entry: entry.passed()),
    "discarded": ("discarded", lambda entry: entry.discarded()),
    "replayed": ("loaded", lambda entry: entry.replayed()),
    "stands for nothing": ("superseded", lambda entry: entry.stands_for_nothing()),
}


@pytest.mark.parametrize("status", get_args(Status))
@pytest.mark.parametrize(("becomes", "change"), BECOMES.values(), ids=BECOMES)
def test_a_status_follows_another_as_the_table_says(
    status: Status, becomes: Status, change: Callable[[Entry], Entry]
) -> None:
    entry = replace(FIRST, status=status)
    if becomes in FOLLOWING[status]:
        changed = change(entry)
        assert changed.status == becomes
        assert not changed.in_ledger  # which must learn of it
    else:
        with pytest.raises(ValueError, match=f"is {status} and cannot become"):
            change(entry)


def test_what_was_executed_keeps_what_snowflake_has_said() -> None:
    loaded = replace(FIRST.sent(), error="was failed").loaded("01b0", 3, inserted=2)
    assert (loaded.statement_handle, loaded.inserted) == ("01b0", 2)
    assert (loaded.attempts, loaded.error) == (4, "")
    assert loaded.started_at
    assert loaded.finished_at


def test_a_refused_half_of_a_replay_is_given_up_where_its_table_is_loaded() -> None:
    half = replace(FIRST, status="failed", replays="another")
    assert half.passed().status == "discarded"


def test_a_half_is_the_same_each_time() -> None:
    one, again = (FIRST.half("1", 1, b"[]", 1, 1) for _ in "ab")
    assert one.request_id == again.request_id
    assert one.request_id != FIRST.half("2", 1, b"", 2, 2).request_id
    assert (one.batch_id, one.rows, one.bytes) == (FIRST.batch_id, 1, 2)
    assert (one.first_sequence, one.last_sequence, one.attempts) == (1, 1, 0)


def test_what_sends_rows_again_is_new_but_for_its_rows() -> None:
    again = replace(FIRST, status="failed", inserted=5, error="why").again("second")
    kept = {"batch_id", "sql", "keys", "insertion_at", "checksum", "rows", "version"}
    assert {name: getattr(again, name) for name in kept} == {
        name: getattr(FIRST, name) for name in kept
    }
    assert again.request_id != FIRST.request_id
    assert (again.replays, again.run_id) == (FIRST.request_id, "second")
    assert (again.kind, again.status, again.inserted) == ("replay", "in_flight", 0)
    assert not again.in_ledger
