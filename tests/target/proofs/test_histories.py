"""Random histories of a source, its runs, their ends and replays, against a model.

The source is a dictionary that changes; a tap reads it like Acumatica's: what has been
modified since the last state, as it is now. The model is the source itself: whatever
has happened on the way, what lies before a state that was passed on is in the table as
it is in the source, and what a complete reading has not shown stays away.

``make soak`` plays more histories.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from sandbox.snowflake.control.admin_client import SnowflakeAdmin
from target_snowflake_merge.journal.run_folder import entries, folders

from tests.helpers import proxy
from tests.helpers.lanes import cases
from tests.target.conftest import Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.helpers import forks

KEYS = "abc"
DELETED_AT = "2026-01-01T00:00:00Z"


@dataclass
class Change:
    """A row of the source is set or deleted, and a deletion may be told of."""

    key: str
    how: str


@dataclass
class Run:
    """A run of the tap into the target, and what happens to its statements."""

    is_full: bool = False
    announces_early: bool = False
    widens: bool = False
    is_hard: bool = False
    batch_rows: int = 10
    plan: dict[int, proxy.Action] = field(default_factory=dict)


@dataclass
class Together:
    """Two runs at once."""

    runs: tuple[Run, Run]


@dataclass
class Late:
    """A run loads what its tap has read before another run, which has seen more."""

    run: Run
    between: Change
    other: Run


@dataclass
class Replay:
    """Some batches are sent again, in any order."""

    seed: int
    plan: dict[int, proxy.Action]


NONE: dict[int, proxy.Action] = {}
actions: st.SearchStrategy[proxy.Action] = st.sampled_from(
    ["kill before", "kill after", "refuse"]
)
some = st.dictionaries(st.integers(0, 3), actions, min_size=1, max_size=2)
plans = st.one_of(st.just(NONE), some, some, some)
runs = st.builds(
    Run,
    is_full=st.sampled_from([False, False, True]),
    announces_early=st.booleans(),
    widens=st.booleans(),
    is_hard=st.booleans(),
    batch_rows=st.sampled_from([1, 1, 2, 3]),
    plan=plans,
)
changes = st.builds(
    Change,
    st.sampled_from(KEYS),
    st.sampled_from(["set", "set", "set", "tell", "delete"]),
)
steps = st.tuples(
    st.lists(changes, min_size=1, max_size=3),
    st.one_of(
        runs,
        runs,
        st.builds(Together, st.tuples(runs, runs)),
        st.builds(Late, runs, changes, runs),
        st.builds(Replay, seed=st.integers(0, 99), plan=plans),
    ),
)


@dataclass
class Reading:
    """What a tap has read, and when it did what the source was like."""

    messages: list[Any]
    source: dict[str, int]
    log: list[tuple[str, bool]]
    first: int
    """The place in the log from which on it was read."""


class World:
    """The source, the tap's state, and what the tables must show."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.source: dict[str, int] = {}
        self.log: list[tuple[str, bool]] = []
        """Which row has changed, and whether it was deleted."""

        self.state = 0
        self.known: dict[str, int] = {}
        """What a state that was passed on says is in the table."""

        self.gone: set[str] = set()
        """What must not be in the table any more."""

        self.sent: Counter[int] = Counter()
        self.version = 0

    # The source.

    def change(self, change: Change) -> None:
        if change.how == "set":
            self.source[change.key] = len(self.log)
            self.log.append((change.key, False))
            self.gone.discard(change.key)
        elif self.source.pop(change.key, None) is not None:
            self.known.pop(change.key, None)
            if change.how == "tell":
                self.log.append((change.key, True))

    # The tap.

    def read(self, run: Run) -> Reading:
        extra = {"wide": {"type": "string"}} if run.widens else {}
        messages = [
            schema("bill", ["id"], id={"type": "string"}, **extra),
            schema("note", []),
            *(self.everything(run) if run.is_full else self.news()),
        ]
        return Reading(messages, dict(self.source), list(self.log), self.state)

    def news(self) -> list[Any]:
        """Read what has been modified since the last state, as it is now."""
        messages: list[Any] = []
        for number, (key, is_deletion) in enumerate(self.log):
            if number < self.state:
                continue
            self.sent[number] += 1
            messages.append(record("note", value=number))
            if key in self.source:
                messages.append(record("bill", id=key, value=self.source[key]))
            elif is_deletion:
                deleted = {"_sdc_deleted_at": DELETED_AT}
                messages.append(record("bill", id=key, value=number, **deleted))
            messages.append({"type": "STATE", "value": {"n": number + 1}})
        return messages

    def everything(self, run: Run) -> list[Any]:
        self.version += 1
        version = {"version": self.version}
        activation = {"type": "ACTIVATE_VERSION", "stream": "bill", **version}
        rows = [record("bill", id=k, value=v) | version for k, v in self.source.items()]
        early = [activation] if run.announces_early else []
        complete = {"type": "STATE", "value": {"complete": self.version}}
        return [*early, *rows, activation, complete]

    # What happens.

    def load(self, *concurrent: Run) -> list[int]:
        """Run the tap into the target, perhaps twice at once; return the exit codes."""
        return self.load_readings([(run, self.read(run)) for run in concurrent])

    def load_late(self, late: Late) -> None:
        """Read, let the source change and another run load it, then load."""
        reading = self.read(late.run)
        self.change(late.between)
        self.load(late.other)
        self.load_readings([(late.run, reading)])

    def load_readings(self, readings: list[tuple[Run, Reading]]) -> list[int]:
        with ExitStack() as stack:
            started = [
                self.start(run, reading, f"run{n}", stack)
                for n, (run, reading) in enumerate(readings)
            ]
            return [
                self.finish(run, reading, process)
                for (run, reading), process in zip(readings, started, strict=True)
            ]

    def start(
        self, run: Run, reading: Reading, name: str, stack: ExitStack
    ) -> forks.Started:
        url = self.warehouse.admin.url
        between = stack.enter_context(proxy.before(url, run.plan))
        started = self.warehouse.start(
            *reading.messages,
            name=name,
            host=between.url,
            batch_size_rows=run.batch_rows,
            hard_delete=run.is_hard,
        )
        between.client = started.pid
        return started

    def finish(self, run: Run, reading: Reading, started: forks.Started) -> int:
        done = started.done()
        states = [json.loads(line) for line in done.output.splitlines()]
        note(f"{run} ended with {done.code} and {states}")
        assert b"Traceback" not in done.log, done.log.decode()
        for state in states:
            self.believe(state, reading)
        return done.code

    def believe(self, state: dict[str, int], reading: Reading) -> None:
        """Note what a state says: everything before it is in the tables."""
        if "complete" in state:
            self.know(reading, KEYS)
            # A reading that shows nothing marks nothing: its version never begins.
            if reading.source:
                self.gone |= set(KEYS) - set(reading.source) - set(self.source)
            return
        self.state = max(self.state, state["n"])
        log = reading.log[reading.first : state["n"]]
        self.know(reading, [key for key, _ in log])
        told = {key for key, is_deletion in log if is_deletion}
        self.gone |= told - set(reading.source) - set(self.source)

    def know(self, reading: Reading, keys: Iterable[str]) -> None:
        """Note that rows are as they were read, or newer by now."""
        for key in keys:
            if key in reading.source and key in self.source:
                self.known[key] = max(reading.source[key], self.known.get(key, -1))

    def replay(self, replay: Replay) -> None:
        journal = self.warehouse.journal
        found = [e for folder in folders(journal) for e in entries(folder)]
        batches = [entry.request_id for entry in found if not entry.replays]
        choice = random.Random(replay.seed)  # noqa: S311 - no secret
        chosen = choice.sample(batches, choice.randint(0, len(batches)))
        options = [word for id_ in chosen for word in ("--request-id", id_)]
        with proxy.before(self.warehouse.admin.url, replay.plan) as between:
            started = self.warehouse.start_operating(
                *("replay", *options), host=between.url
            )
            between.client = started.pid
            done = started.done()
        note(f"{replay} ended with {done.code}")
        assert b"Traceback" not in done.log, done.log.decode()

    # What must be true whatever happens.

    def check(self) -> None:
        rows = self.warehouse.rows('ID, "VALUE", "_SDC_DELETED_AT" IS NULL')
        assert len(rows) == len({row[0] for row in rows}), "a key stands twice"
        alive = {key: int(value) for key, value, is_alive in rows if is_alive}
        for key, value in self.known.items():
            assert alive.get(key, -1) >= value, f"{key} is lost or older: {alive}"
        assert not self.gone & set(alive), "what was deleted has come back"

        notes = self.warehouse.rows('"VALUE", "_SDC_REQUEST_ID", "_SDC_ROW"', "NOTE")
        assert len(notes) == len({tuple(row[1:]) for row in notes}), "a row is doubled"
        counts = Counter(int(row[0]) for row in notes)
        for number in range(self.state):
            assert counts[number] >= 1, f"note {number} is lost"
        assert all(counts[n] <= self.sent[n] for n in counts), "a note is doubled"

    def check_the_end(self) -> None:
        """Compare everything after a last run of each kind that went well."""
        assert self.load(Run()) == [0]
        assert self.load(Run(is_full=True)) == [0]
        self.check()
        assert self.known == self.source
        database = f'"FINANCE"."{self.warehouse.schema}"'
        for table in ("BILL", "NOTE"):
            without_trail = (
                f"SELECT COUNT(*) FROM {database}.{table} "  # noqa: S608 - the test's own
                f'WHERE "_SDC_REQUEST_ID" NOT IN '
                f"(SELECT BATCH_ID FROM {database}._SDC_LOADS)"
            )
            assert self.warehouse.admin.sql(without_trail)[1] == [[0]]


def schema(stream: str, keys: list[str], **properties: Any) -> dict[str, Any]:
    described = {"properties": {"value": {"type": "integer"}, **properties}}
    message = {"type": "SCHEMA", "stream": stream, "schema": described}
    return {**message, "key_properties": keys}


def record(stream: str, **row: Any) -> dict[str, Any]:
    read_at = {"time_extracted": dt.datetime.now(dt.UTC).isoformat()}
    return {"type": "RECORD", "stream": stream, "record": row, **read_at}


@settings(
    max_examples=cases(3, 6),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(history=st.lists(steps, min_size=2, max_size=4))
def test_nothing_is_lost_doubled_or_brought_back(
    server: tuple[str, Path],
    history: list[tuple[list[Change], Run | Together | Late | Replay]],
) -> None:
    url, key = server
    with tempfile.TemporaryDirectory() as folder:
        world = World(Warehouse(SnowflakeAdmin(url), key, Path(folder)))
        for row in "ab":
            world.change(Change(row, "set"))
        assert world.load(Run()) == [0]
        for changed, step in history:
            for change in changed:
                world.change(change)
            match step:
                case Replay():
                    world.replay(step)
                case Late():
                    world.load_late(step)
                case Together():
                    world.load(*step.runs)
                case Run():
                    world.load(step)
            world.check()
        world.check_the_end()
        world.warehouse.drop()
