"""How a run ends: by signals, with closed streams, in the middle of its work."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from target_snowflake_merge.journal.run_folder import folders
from target_snowflake_merge.load.checkpoints import Checkpoints

from tests.helpers import proxy
from tests.helpers.crashes import killed
from tests.helpers.journals import copied
from tests.helpers.journals import journal as statements
from tests.helpers.sessions import activate, record, schema, session, state

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse


# Checkpoints.


class State(dict[str, int]):
    """A state that can be counted."""


def test_states_do_not_pile_up_behind_an_open_batch() -> None:
    states, alive = Checkpoints(), weakref.WeakValueDictionary[int, State]()
    states.open("rare")
    for number in range(1000):
        states.advance()
        states.open("frequent")
        states.close("frequent")
        states.advance()
        states.read(alive.setdefault(number, State(n=number)))
    assert len(alive) == 1
    states.close("rare")
    assert states.passable() == {"n": 999}


@given(st.lists(st.tuples(st.sampled_from("ocs"), st.sampled_from("abc"))))
def test_a_state_goes_out_as_soon_as_nothing_before_it_is_open(
    steps: list[tuple[str, str]],
) -> None:
    states = Checkpoints()
    opened: dict[str, int] = {}
    read: list[int] = []
    passed = 0
    for place, (step, name) in enumerate(steps, start=1):
        states.advance()
        if step == "o":
            states.open(name)
            opened.setdefault(name, place)
        elif step == "c":
            states.close(name)
            opened.pop(name, None)
        else:
            states.read(place)
            read.append(place)
        first = min(opened.values(), default=len(steps) + 1)
        newest = max((one for one in read if one < first), default=0)
        assert states.passable() == (newest if newest > passed else None)
        passed = max(passed, newest)


# Signals.


def test_a_terminal_and_meltano_may_both_send_one(warehouse: Warehouse) -> None:
    warehouse.admin.fault("slow", contains='"BILL" AS t', seconds=3)
    with session(warehouse, batch_size_rows=1) as run:
        run.send(schema(), record("1"), state(1))
        while not warehouse.merges():
            assert run.process.poll() is None
        for number in (signal.SIGINT, signal.SIGTERM):
            run.process.send_signal(number)
            assert run.process.stderr is not None
            while b"Ended by signal" not in run.process.stderr.readline():
                assert run.process.poll() is None
        code, states, log = run.end()
    assert (code, states) == (128 + signal.SIGINT, [1]), log
    assert warehouse.rows("ID") == [["1"]]


def test_a_signal_needs_nobody_who_reads_the_log(warehouse: Warehouse) -> None:
    """What is logged after that cannot be written; Python would end with 120."""
    warehouse.admin.fault("slow", contains='"BILL" AS t', seconds=2)
    with session(warehouse, batch_size_rows=1) as run:
        run.send(schema(), record("1"), state(1))
        while not warehouse.merges():
            assert run.process.poll() is None
        assert run.process.stderr is not None
        run.process.stderr.close()
        run.process.send_signal(signal.SIGTERM)
        assert run.next_state() == 1
        assert run.process.wait() == 128 + signal.SIGTERM


def test_settling_stops_between_statements(warehouse: Warehouse) -> None:
    killed(warehouse, "kill before", schema(), record("1"))
    copied(folders(warehouse.journal)[0], times=1)
    warehouse.admin.forget()
    warehouse.admin.fault("slow", contains='"BILL" AS t', seconds=3)
    run = warehouse.start(schema("other"), state(1))
    while not warehouse.merges():
        assert run.process.is_alive()
    os.kill(run.pid, signal.SIGTERM)
    done = run.done()

    assert (done.code, done.output) == (128 + signal.SIGTERM, b""), done.log
    assert [e.status for e in statements(warehouse)] == ["loaded", "in_flight"]


@pytest.mark.parametrize("messages", [[activate(2)], []])
def test_a_signal_at_the_end_activates_nothing_more(
    warehouse: Warehouse, messages: list[Any]
) -> None:
    """What waits is loaded all the same, and so is its state passed on."""
    warehouse.loaded(schema(), record("gone"), record("stays"))
    warehouse.admin.forget()
    warehouse.admin.fault("slow", contains='"BILL" AS t', seconds=3)
    shown = [record("stays", version=2), record("new", version=2), state(1)]
    run = warehouse.start(schema(), *messages, *shown)
    while not warehouse.merges():
        assert run.process.is_alive()
    os.kill(run.pid, signal.SIGTERM)
    done = run.done()

    assert done.code == 128 + signal.SIGTERM, done.log
    assert (b"1" in done.output) == (not messages)
    rows = warehouse.rows('ID, "_SDC_DELETED_AT" IS NULL')
    assert rows == [["gone", True], ["new", True], ["stays", True]]


def test_a_signal_at_the_end_leaves_the_old_table(warehouse: Warehouse) -> None:
    warehouse.loaded(schema(), record("old"))
    warehouse.admin.forget()
    warehouse.admin.fault("slow", contains="MERGE INTO", seconds=3)
    messages = [schema(), record("new"), state(1)]
    run = warehouse.start(*messages, load_method="overwrite")
    while not warehouse.merges():
        assert run.process.is_alive()
    os.kill(run.pid, signal.SIGTERM)
    done = run.done()

    assert (done.code, done.output) == (128 + signal.SIGTERM, b""), done.log
    assert warehouse.rows("ID") == [["old"]]


# Streams that are closed from the start.


@pytest.mark.parametrize(
    ("closed", "says"),
    [("<&-", b"Standard input is closed"), (">&-", b"Standard output is closed")],
)
def test_a_stream_that_is_closed_is_named(
    warehouse: Warehouse, closed: str, says: bytes
) -> None:
    warehouse.loaded(schema())
    settings = warehouse.folder / "config.json"
    command = f'exec "$0" --config "$1" {closed}'
    done = subprocess.run(  # noqa: S603 - our own command
        ["/bin/bash", "-c", command, warehouse.command, str(settings)],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert says in done.stderr
    assert b"Traceback" not in done.stderr


# Whoever writes when the target fails.


def test_a_target_that_has_failed_closes_no_pipe_with_input_in_it(
    warehouse: Warehouse,
) -> None:
    """Meltano's traceback of the broken pipe would bury what the target has said."""
    settings = warehouse.folder / "config.json"
    settings.write_text(json.dumps(warehouse.settings(role="NONE")))
    lines = f"{json.dumps(schema())}\n{json.dumps(record('1', 'x' * 700_000))}\n"
    reads, writes = os.pipe()
    fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, 1 << 20)
    os.write(writes, lines.encode())
    with subprocess.Popen(  # noqa: S603 - our own command
        [warehouse.command, "--config", str(settings)],
        stdin=reads,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as run:
        _, log = run.communicate()
    left, _, _ = select.select([reads], [], [], 0)
    for end in (reads, writes):
        os.close(end)
    assert (run.returncode, left) == (1, [])
    assert b"Role 'NONE' specified" in log.splitlines()[-1]


# Order.


def test_a_batch_has_rows_of_one_version(warehouse: Warehouse) -> None:
    warehouse.loaded(schema(), record("1", version=1), record("2", version=2))
    assert [entry.version for entry in statements(warehouse)] == [1, 2]
    assert warehouse.rows('ID, "_SDC_TABLE_VERSION"') == [["1", "1"], ["2", "2"]]


def test_a_table_is_changed_when_nothing_is_in_flight(warehouse: Warehouse) -> None:
    warehouse.loaded(schema())
    warehouse.admin.forget()
    with proxy.before(warehouse.admin.url, {}) as between:
        between.hold = 1
        changed = schema(extra={"type": "string"})
        warehouse.loaded(schema(), record("1"), changed, host=between.url)

    sent = [request.statement for request in warehouse.admin.requests()]
    (merge,) = [n for n, sql in enumerate(sent) if sql in between.seen[:1]]
    (alter,) = [n for n, sql in enumerate(sent) if sql.startswith("ALTER TABLE")]
    assert merge < alter
