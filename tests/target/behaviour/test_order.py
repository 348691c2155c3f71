"""Tables are loaded in order and side by side, and no state runs ahead of them."""

from __future__ import annotations

import io
import json
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from singer_sdk import Target
from target_snowflake_merge.journal.run_folder import entries, folders
from target_snowflake_merge.load.checkpoints import Checkpoints
from target_snowflake_merge.target import TargetSnowflakeMerge

from tests.helpers import proxy
from tests.helpers.sessions import (
    activate,
    numbers,
    record,
    schema,
    session,
    state,
)

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse


# Checkpoints.


def test_states_are_held_until_what_came_before_is_durable() -> None:
    states = Checkpoints()
    states.open("a")
    states.advance()
    states.read(1)
    states.advance()
    states.open("b")
    states.open("a")  # a second row of the same batch
    states.advance()
    states.read(2)
    assert states.passable() is None
    states.move("a", to="a in flight")
    assert states.passable() is None
    states.close("a in flight")
    assert states.passable() == 1
    assert states.passable() is None
    states.advance()
    states.read(3)
    states.close("b")
    assert states.passable() == 3  # the newest of those that may go
    states.advance()
    states.read(3)
    assert states.passable() is None  # nobody needs it twice


def test_a_state_goes_out_while_the_input_is_open(warehouse: Warehouse) -> None:
    """Another stream's batch, which fills no further, holds it until it is old."""
    with session(warehouse, batch_size_rows=2, max_batch_age_seconds=1) as run:
        run.send(schema(), schema("other"), record("1", stream="other"))
        run.send(record("1"), record("2"), state(1))
        assert run.next_state() == 1
        assert len(warehouse.rows("ID")) == 2
        assert len(warehouse.rows("ID", "OTHER")) == 1
        run.send(record("3"))
        code, states, log = run.end()

    assert (code, states) == (0, []), log
    assert len(warehouse.rows("ID")) == 3


def test_a_state_before_a_failure_goes_out(warehouse: Warehouse) -> None:
    warehouse.admin.fault("error", contains='"OTHER" AS t', code="000603")

    run = warehouse.load(
        schema(),
        schema("other"),
        *(record("1"), state(1), record("2", stream="other"), state(2), record("3")),
        batch_size_rows=1,
    )

    assert run.code == 1
    assert numbers(run.states) == [1]
    assert len(run.errors) == 1


def test_bad_input_does_not_take_back_what_was_sent(warehouse: Warehouse) -> None:
    run = warehouse.load(
        schema(), record("1"), state(1), record("2"), state(2), "{\n", batch_size_rows=1
    )

    assert run.code == 1
    assert numbers(run.states)[-1] == 2
    assert warehouse.rows("ID") == [["1"], ["2"]]
    assert len(warehouse.rows("REQUEST_ID", "_SDC_LOADS")) == 2


# Order.


class AsTheSdkDoes(TargetSnowflakeMerge):
    """What this target would be with the SDK's own choice of sinks."""

    get_sink = Target.get_sink


@pytest.mark.parametrize(
    ("target_class", "in_order"), [(TargetSnowflakeMerge, True), (AsTheSdkDoes, False)]
)
def test_rows_of_an_old_schema_are_loaded_before_those_of_a_new_one(
    warehouse: Warehouse,
    target_class: type[TargetSnowflakeMerge],
    *,
    in_order: bool,
) -> None:
    """With the SDK's own choice of sinks they are not."""
    target = target_class(config=warehouse.settings(batch_size_rows=2))
    target.run.ledger.open()
    lines = [
        *(schema(), record("1", "old"), schema(extra={"type": "string"})),
        *(record("1", "new"), record("2", "b")),
    ]
    target.process_lines(io.StringIO("\n".join(map(json.dumps, lines))))
    target.process_endofpipe()

    merges = [merge.statement for merge in warehouse.merges()]
    assert ('"EXTRA"' not in merges[0]) == in_order
    assert (len(merges) == 2) == in_order
    assert warehouse.rows("ID, NAME") == [["1", "new"], ["2", "b"]]


@pytest.mark.parametrize(("parallelism", "together"), [(1, {1}), (3, {2, 3})])
def test_tables_are_loaded_side_by_side(
    warehouse: Warehouse, parallelism: int, together: set[int]
) -> None:
    streams = ["a", "b", "c"]
    messages = [schema(stream) for stream in streams]
    messages += [record(str(n), stream=stream) for n in range(3) for stream in streams]
    warehouse.loaded(*messages[:3])

    with proxy.before(warehouse.admin.url, {}) as between:
        between.hold = 0.3
        warehouse.loaded(
            *messages,
            host=between.url,
            batch_size_rows=1,
            max_parallelism=parallelism,
        )

    assert max(map(len, between.together)) in together
    for running in between.together:
        tables = [sql.splitlines()[0] for sql in running]
        assert len(set(tables)) == len(tables)
    for stream in streams:
        assert len(warehouse.rows("ID", stream.upper())) == 3


def test_sequences_that_were_deleted_are_not_given_again(warehouse: Warehouse) -> None:
    far = "2099-01-01T00:00:00Z"
    warehouse.loaded(schema(), record("1", time_extracted=far))
    warehouse.admin.sql(f'DELETE FROM FINANCE."{warehouse.schema}".BILL')  # noqa: S608 - the test's own

    warehouse.loaded(schema(), record("2", time_extracted="2026-01-01T00:00:00Z"))

    ((sequence,),) = warehouse.rows('"_SDC_SEQUENCE"')
    assert int(sequence) > 4070908800000000


def test_a_stream_that_is_removed_holds_no_state(warehouse: Warehouse) -> None:
    removed = {"stream_maps": {"other": None}, "max_batch_age_seconds": 1}
    other = {**activate(1), "stream": "other"}
    with session(warehouse, **removed) as run:
        run.send(schema("other"), record("1", stream="other", version=1), other)
        run.send(schema(), record("1"), state(1))
        assert run.next_state() == 1
        code, _, log = run.end()
    assert code == 0, log
    assert "is not activated" not in log


# Versions.


def test_a_version_that_is_announced_early_waits(warehouse: Warehouse) -> None:
    warehouse.loaded(schema(), record("gone"), record("stays"))
    announced = [schema(), activate(2), state(1)]
    shown = [record("stays", version=2), state(2)]

    broken = warehouse.load(*announced, *shown, "{\n")
    assert (broken.code, broken.states) == (1, [])
    assert warehouse.rows('COUNT("_SDC_DELETED_AT")') == [[0]]

    whole = warehouse.loaded(*announced, *shown)
    assert numbers(whole.states) == [2]
    assert "Marked 1 rows of bill as deleted" in whole.log
    rows = warehouse.rows('ID, "_SDC_DELETED_AT" IS NULL')
    assert rows == [["gone", False], ["stays", True]]


@pytest.mark.parametrize("hard_delete", [False, True])
def test_a_tap_that_dies_in_a_reading_removes_nothing(
    warehouse: Warehouse, *, hard_delete: bool
) -> None:
    """The end of the input looks the same, but no STATE comes behind the records."""
    warehouse.loaded(schema(), record("a"), record("b"))
    broken = [schema(), activate(2), state(1), record("a", version=2)]
    run = warehouse.loaded(*broken, hard_delete=hard_delete)
    assert "version 2 is not activated, since a STATE has not come behind" in run.log
    assert run.states == []
    assert warehouse.rows('ID, "_SDC_DELETED_AT" IS NULL') == [["a", True], ["b", True]]


def test_a_reading_of_a_renamed_stream_may_have_broken_off(
    warehouse: Warehouse,
) -> None:
    renamed = {"stream_maps": {"bill": {"__alias__": "invoice"}}}
    warehouse.loaded(schema(), record("a"), record("b"), **renamed)
    reading = {"type": "STATE", "value": {"currently_syncing": "bill"}}
    broken = [schema(), activate(2), record("a", version=2), reading]
    run = warehouse.loaded(*broken, **renamed)
    assert "version 2 is not activated, since a STATE has not come behind" in run.log
    assert warehouse.rows('COUNT("_SDC_DELETED_AT")', "INVOICE") == [[0]]


def test_rows_are_really_removed_only_by_a_version_announced_behind_its_records(
    warehouse: Warehouse,
) -> None:
    warehouse.loaded(schema(), record("a"), record("b"))
    early = [schema(), activate(2), record("a", version=2), state(1)]
    run = warehouse.loaded(*early, hard_delete=True)
    assert "since another ACTIVATE_VERSION has not come behind" in run.log
    assert numbers(run.states) == [1]
    assert warehouse.rows("ID") == [["a"], ["b"]]
    warehouse.loaded(*early, activate(2), hard_delete=True)
    assert warehouse.rows("ID") == [["a"]]


def test_a_version_that_never_comes_releases_its_state(warehouse: Warehouse) -> None:
    warehouse.loaded(schema(), record("1"))
    run = warehouse.loaded(schema(), activate(2), state(1), record("2"))
    assert "version 2 is not activated, no record of it has come" in run.log
    assert numbers(run.states) == [1]
    assert warehouse.rows('COUNT("_SDC_DELETED_AT")') == [[0]]


def test_rows_are_really_deleted_where_that_is_wanted(warehouse: Warehouse) -> None:
    warehouse.loaded(schema(), record("marked"), record("stays"))
    warehouse.loaded(schema(), record("stays", version=2), activate(2))
    warehouse.loaded(schema(), record("gone"))

    run = warehouse.loaded(
        schema(), record("stays", version=3), activate(3), hard_delete=True
    )

    assert "Removed 2 rows of bill as deleted" in run.log
    assert warehouse.rows("ID") == [["stays"]]


# Signals.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_what_is_in_flight(
    warehouse: Warehouse, number: signal.Signals
) -> None:
    """The SDK drains from within the signal handler, whatever it interrupts."""
    warehouse.admin.fault("slow", contains='"BILL" AS t', seconds=2)
    with session(warehouse, batch_size_rows=2) as run:
        run.send(schema(), record("1"), record("2"), state(1), record("3"), state(2))
        while not warehouse.merges():
            assert run.process.poll() is None
        run.process.send_signal(number)
        code, states, log = run.end()

    assert (code, states) == (128 + number, [1]), log
    assert "what is in flight is finished first" in log
    assert warehouse.rows("ID") == [["1"], ["2"]]
    assert len(warehouse.rows("REQUEST_ID", "_SDC_LOADS")) == 1


def test_a_signal_ends_a_run_that_waits_for_input(warehouse: Warehouse) -> None:
    with session(warehouse) as run:
        run.send(schema(), state(1), record("1"), state(2))
        assert run.next_state() == 1
        run.process.send_signal(signal.SIGTERM)
        code, states, log = run.end()
    assert (code, states) == (128 + signal.SIGTERM, []), log
    assert warehouse.rows("ID") == []


def test_a_second_signal_ends_at_once(warehouse: Warehouse) -> None:
    with (
        proxy.before(warehouse.admin.url, {}) as between,
        session(warehouse, batch_size_rows=1, host=between.url) as run,
    ):
        between.hold = 600
        run.send(schema(), record("1"), state(1))
        while not between.seen:
            assert run.process.poll() is None
        run.process.send_signal(signal.SIGTERM)
        assert run.process.stderr is not None
        while b"Ended by signal" not in run.process.stderr.readline():
            assert run.process.poll() is None
        run.process.send_signal(signal.SIGTERM)
        code, states, _ = run.end()
    assert (code, states) == (128 + signal.SIGTERM, [])
    (entry,) = [e for folder in folders(warehouse.journal) for e in entries(folder)]
    assert entry.status == "in_flight"


# The journal's limits.


def test_loaded_batches_are_kept_for_a_time(warehouse: Warehouse) -> None:
    warehouse.loaded(schema(), record("1"))
    warehouse.loaded(schema(), record("2"))
    assert len(list(warehouse.journal.glob("*/*.rows"))) == 2
    warehouse.loaded(schema(), record("3"), journal_retention_days=0)
    assert len(list(warehouse.journal.glob("*/*.rows"))) == 1
    assert len(folders(warehouse.journal)) == 1


def test_what_has_failed_is_kept(warehouse: Warehouse) -> None:
    warehouse.admin.fault("error", contains='"BILL" AS t', code="000603")
    warehouse.load(schema(), record("1"))
    warehouse.loaded(schema("other"), journal_retention_days=0)
    assert len(list(warehouse.journal.glob("*/*.rows"))) == 1


def test_the_journal_makes_room(warehouse: Warehouse) -> None:
    long = "x" * 10_000
    for number in range(4):
        warehouse.loaded(schema(), record(str(number), long), journal_max_bytes=30_000)
    assert sum(p.stat().st_size for p in warehouse.journal.glob("*/*")) < 30_000
    assert len(warehouse.rows("REQUEST_ID", "_SDC_LOADS")) == 4


def test_a_run_stops_where_the_journal_has_no_room(warehouse: Warehouse) -> None:
    long = "x" * 10_000
    warehouse.admin.fault("error", contains='"BILL" AS t', code="000603")
    warehouse.load(schema(), record("1", long))
    warehouse.admin.forget()

    run = warehouse.load(
        schema(), record("2", long), state(1), journal_max_bytes=20_000
    )

    assert "would exceed journal_max_bytes (20000)" in run.refusal()
    assert warehouse.merges() == []


def test_a_full_disk_stops_the_run_before_it_sends(warehouse: Warehouse) -> None:
    warehouse.loaded(schema())
    warehouse.admin.forget()
    settings = warehouse.folder / "config.json"
    lines = [schema(), record("1", "x" * 20_000), state(1)]
    command = 'ulimit -f 8; exec "$0" --config "$1"'  # files of 8 KiB at most
    done = subprocess.run(  # noqa: S603 - our own command
        ["/bin/bash", "-c", command, warehouse.command, str(settings)],
        input="\n".join(map(json.dumps, lines)).encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == b""
    assert b"cannot be written (File too large)" in done.stderr
    assert b"Traceback" not in done.stderr
    assert warehouse.merges() == []


def test_a_journal_that_cannot_be_opened(warehouse: Warehouse) -> None:
    run = warehouse.load(schema(), journal_path="/proc/journal")
    assert "The journal /proc/journal cannot be opened" in run.refusal()
    run = warehouse.load(schema(), journal_path="~nobody-here/journal")
    assert "Setting journal_path: ~nobody-here/journal cannot be used" in run.refusal()
