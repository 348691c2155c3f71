"""What the journal does beside other runs, other people's files and a full disk."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from target_snowflake_merge.journal.entry import Entry, time_ordered_id
from target_snowflake_merge.journal.journal import BLOCK, Journal
from target_snowflake_merge.journal.run_folder import entries, files, folders, size

from tests.helpers import forks, proxy, small_volume
from tests.helpers.batches import SCHEMA
from tests.helpers.crashes import bill, killed
from tests.helpers.journals import copied, journal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.helpers.forks import Started
    from tests.target.conftest import Warehouse

OTHER = {**SCHEMA, "stream": "other"}
STATE = {"type": "STATE", "value": {"bookmark": 1}}
LARGE = 2**30
ID = "01234567-89ab-4cde-8f01-23456789abcd"


def large(id_: str, letters: int = 10_000) -> dict[str, Any]:
    """Make a record whose batch takes so many bytes and some more."""
    message = bill(id_)
    message["record"]["name"] = "x" * letters
    return message


def another(warehouse: Warehouse) -> Journal:
    """Open the journal in this process."""
    (entry, *_) = journal(warehouse)
    return Journal(warehouse.journal, entry.destination, 7, LARGE)


def until_log(run: Started, text: str) -> None:
    while text not in run.files[2].read_text():
        assert run.process.is_alive(), run.files[2].read_text()


# Other runs.


def test_a_week_of_runs_needs_few_descriptors(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill("1"))
    (folder,) = folders(warehouse.journal)
    copied(folder, 300)
    settings = warehouse.folder / "config.json"
    command = 'ulimit -n 64; exec "$0" --config "$1"'
    done = subprocess.run(  # noqa: S603 - our own command
        ["/bin/bash", "-c", command, warehouse.command, str(settings)],
        input="\n".join(map(json.dumps, [SCHEMA, bill("2")])).encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(folders(warehouse.journal)) == 302


def test_one_process_at_a_time_looks_after_runs_that_have_ended(
    warehouse: Warehouse,
) -> None:
    killed(warehouse, "kill before", SCHEMA, bill("1"))
    beside = another(warehouse)
    with beside.idle_runs() as runs:
        assert len(runs) == 1
        assert "was in flight" not in warehouse.loaded(OTHER).log
    beside.close()

    assert "was in flight" in warehouse.loaded(OTHER).log
    assert warehouse.rows("ID") == [["1"]]


# What belongs to somebody else.


def test_the_retention_is_that_of_the_batchs_own_schema(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill("1"))
    other = {"default_target_schema": f"{warehouse.schema}_X"}
    for _ in range(2):
        warehouse.loaded(OTHER, journal_retention_days=0, **other)
    assert [entry.status for entry in journal(warehouse)] == ["loaded"]
    warehouse.loaded(OTHER, journal_retention_days=0)
    assert journal(warehouse) == []


def test_what_is_not_the_journals_is_left_alone(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill("1"))
    (folder,) = folders(warehouse.journal)
    (warehouse.journal / "lost+found").mkdir()
    theirs = [folder / name for name in ("a.tmp", "b.rows", "c.json", ".nfs1.rows")]
    theirs.append(warehouse.journal / "notes.rows")
    for path in theirs:
        path.write_bytes(b"theirs")
    halfway = str(uuid.uuid4())
    ours = [folder / f"{halfway}{end}" for end in (".rows", ".json.tmp", ".rows.tmp")]
    for path in ours:
        path.write_bytes(b"ours")

    warehouse.loaded(OTHER, journal_retention_days=0)

    assert [path.read_bytes() for path in theirs] == [b"theirs"] * len(theirs)
    assert (warehouse.journal / "lost+found").is_dir()
    assert files(folder) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (f"{ID}.json", "cannot be read (Is a directory)"),
        (f"{ID}.rows", "cannot be written (Is a directory)"),
        ("lock", "cannot be read (Is a directory)"),
    ],
)
def test_what_cannot_be_used_is_named(
    warehouse: Warehouse, name: str, says: str
) -> None:
    (warehouse.journal / time_ordered_id() / name).mkdir(parents=True)
    assert says in warehouse.load(SCHEMA, bill("1"), STATE).refusal()
    assert warehouse.merges() == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:100],
        lambda content: content[:0],
        lambda content: b"[" + content + b"]",
        lambda content: bytes(len(content)),
        lambda content: content.replace(b"bill", b"b\xffll"),
    ],
    ids=["cut", "empty", "another shape", "zeros", "not UTF-8"],
)
def test_a_damaged_entry_is_named(
    warehouse: Warehouse, damage: Callable[[bytes], bytes]
) -> None:
    warehouse.loaded(SCHEMA, bill("1"))
    (path,) = warehouse.journal.glob("*/*.json")
    path.write_bytes(damage(path.read_bytes()))
    warehouse.admin.forget()

    says = f"The journal's file {path} is damaged"
    assert says in warehouse.load(SCHEMA, bill("2"), STATE).refusal()
    assert says in warehouse.operate("loads", code=1)[1]
    assert says in warehouse.operate("replay", "--dry-run", code=1)[1]
    assert warehouse.merges() == []


FIELDS = ["sql", "checksum", "destination", "table", "request_id", "first_sequence"]


@pytest.mark.parametrize("field", FIELDS)
def test_a_flipped_bit_in_what_is_in_flight_is_noticed(
    warehouse: Warehouse, field: str
) -> None:
    """One in the SQL loaded a column of nulls; one in the destination hid the batch."""
    killed(warehouse, "kill before", SCHEMA, bill("1"))
    (path,) = warehouse.journal.glob("*/*.json")
    content = bytearray(path.read_bytes())
    name = f'"{field}":'.encode()
    value = content.index(name) + len(name)
    # A letter of the SQL's column, else the last but two characters of the value.
    at = content.index(b"NAME", value) + 2 if field == "sql" else value + 20
    content[at] ^= 1
    path.write_bytes(content)
    warehouse.admin.forget()

    says = f"The journal's file {path} is damaged (its checksum does not fit"
    assert says in warehouse.load(OTHER, STATE).refusal()
    assert says in warehouse.operate("replay", "--dry-run", code=1)[1]
    assert warehouse.merges() == []


def test_what_is_in_flight_without_a_checksum_is_settled(warehouse: Warehouse) -> None:
    """Versions before this one wrote none."""
    killed(warehouse, "kill before", SCHEMA, bill("1"))
    (path,) = warehouse.journal.glob("*/*.json")
    path.write_bytes(msgspec.json.encode(*journal(warehouse)))
    assert b"sha256" not in path.read_bytes()
    warehouse.loaded(OTHER)
    assert warehouse.rows("ID") == [["1"]]
    assert b"sha256" in path.read_bytes()


def test_what_is_kept_survives_a_loss_of_power(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows before what makes a batch of them, and each name with its content."""
    written: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda one: written.append(os.fstat(one).st_ino))

    def since() -> list[int]:
        found, written[:] = written[:], []
        return found

    def inodes(*paths: Path) -> list[int]:
        return [path.stat().st_ino for path in paths]

    journal = Journal(tmp_path / "new" / "journal", "ACCOUNT/DB/S", 7, LARGE)
    assert since() == inodes(tmp_path / "new", tmp_path, journal.path)

    folder = journal.run.path
    entry = Entry(
        request_id=ID,
        batch_id=ID,
        run_id=folder.name,
        destination=journal.destination,
        stream="bill",
        table="BILL",
        kind="merge",
        load_method="upsert",
        sql="MERGE",
        created_at="",
    )
    journal.run.write(entry, b"[]")
    rows, known = folder / f"{ID}.rows", folder / f"{ID}.json"
    assert since() == inodes(rows, folder, known, folder)

    journal.run.update(msgspec.structs.replace(entry, status="loaded"))
    assert since() == inodes(known, folder)
    journal.close()


def test_a_run_that_has_just_ended_takes_no_room(tmp_path: Path) -> None:
    gone = tmp_path / time_ordered_id()
    assert (files(gone), entries(gone), size(tmp_path)) == ([], [], 0)


# DiskQuota.


def test_a_run_makes_room_among_its_own_batches(warehouse: Warehouse) -> None:
    records = [large(str(number)) for number in range(5)]
    warehouse.loaded(SCHEMA, *records, batch_size_rows=1, journal_max_bytes=40_000)
    assert size(warehouse.journal) <= 40_000
    assert len(warehouse.rows("ID")) == 5


def test_all_files_count(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill("1"))
    limit = size(warehouse.journal) * 5 // 2
    for id_ in ("2", "3"):
        warehouse.loaded(SCHEMA, bill(id_), journal_max_bytes=limit)
    assert size(warehouse.journal) <= limit
    assert len(journal(warehouse)) == 2


def test_halves_need_room_too(warehouse: Warehouse) -> None:
    warehouse.admin.fault("status", status=413, contains="MERGE", times=1)
    records = [large(id_, 5_000) for id_ in "abcd"]

    run = warehouse.load(SCHEMA, *records, STATE, journal_max_bytes=30_000)

    assert "would exceed journal_max_bytes (30000)" in run.refusal()
    warehouse.loaded(OTHER)
    assert warehouse.rows("ID") == [["a"], ["b"], ["c"], ["d"]]


def test_a_replay_makes_room_among_older_runs(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, large("1"))
    warehouse.admin.fault("error", contains='"BILL" AS t', code="000603")
    assert warehouse.load(SCHEMA, large("2")).code == 1
    limit = size(warehouse.journal) + 5_000

    done = warehouse.start_operating("replay", journal_max_bytes=limit).done()

    assert done.code == 0, done.log
    assert warehouse.rows("ID") == [["1"], ["2"]]
    assert size(warehouse.journal) <= limit


def test_a_replay_makes_no_room_among_what_it_replays(warehouse: Warehouse) -> None:
    for id_ in "123":
        warehouse.loaded(SCHEMA, large(id_))
    options = ["replay", "--status", "loaded"]

    done = warehouse.start_operating(*options, journal_max_bytes=28_000).done()

    assert b"would exceed journal_max_bytes (28000)" in done.log
    assert len(list(warehouse.journal.glob("*/*.rows"))) == 3


def test_room_is_waited_for_while_another_has_the_older_runs(
    warehouse: Warehouse,
) -> None:
    warehouse.loaded(SCHEMA, large("1"))
    limit = size(warehouse.journal) + 5_000
    beside = another(warehouse)
    with beside.idle_runs():
        run = warehouse.start(SCHEMA, large("2"), STATE, journal_max_bytes=limit)
        until_log(run, "another process looks after the older runs")
    beside.close()
    done = run.done()
    assert done.code == 0, done.log
    assert warehouse.rows("ID") == [["1"], ["2"]]


# A volume that is full, see `small_volume` for how it is played.


def on_volume(warehouse: Warehouse, spare: int) -> dict[str, str]:
    """Return variables for a volume with so many bytes beside what is there."""
    there = sum(p.stat().st_size for p in warehouse.journal.rglob("*") if p.is_file())
    played = {
        small_volume.VOLUME: str(warehouse.journal),
        small_volume.VOLUME_BYTES: str(there + spare),
    }
    return {**os.environ, **played}


def run_on_volume(
    warehouse: Warehouse, *messages: Any, spare: int, **changes: Any
) -> forks.Done:
    settings = warehouse.folder / "config.json"
    settings.write_text(json.dumps(warehouse.settings(**changes)))
    return forks.run(
        "tests.helpers.small_volume:load",
        ("--config", str(settings)),
        warehouse.folder,
        lines="".join(f"{json.dumps(message)}\n" for message in messages).encode(),
        variables=on_volume(warehouse, spare),
    )


def test_what_is_loaded_makes_room_on_a_full_volume(warehouse: Warehouse) -> None:
    """Not one byte is free: not for the folder of the run, nor for what it notes."""
    for id_ in "123":
        warehouse.loaded(SCHEMA, large(id_))
    oldest, *_, newest = folders(warehouse.journal)

    done = run_on_volume(warehouse, SCHEMA, large("4"), STATE, spare=0)

    assert done.code == 0, done.log
    assert json.loads(done.output) == STATE["value"]
    assert warehouse.rows("ID") == [["1"], ["2"], ["3"], ["4"]]
    left = folders(warehouse.journal)
    assert oldest not in left
    assert newest in left
    assert {entry.in_ledger for entry in journal(warehouse)} == {True}
    assert list(warehouse.journal.rglob("*.tmp")) == []


def test_a_run_on_a_full_volume_makes_room_among_its_own_batches(
    warehouse: Warehouse,
) -> None:
    warehouse.loaded(SCHEMA)
    records = [large(str(number)) for number in range(5)]
    done = run_on_volume(warehouse, SCHEMA, *records, spare=40_000, batch_size_rows=1)
    assert done.code == 0, done.log
    assert len(warehouse.rows("ID")) == 5


@pytest.mark.parametrize("spare", [0, 6_000])
def test_a_volume_that_is_full_of_what_is_needed_sends_nothing(
    warehouse: Warehouse, spare: int
) -> None:
    warehouse.admin.fault("error", contains='"BILL" AS t', code="000603")
    assert warehouse.load(SCHEMA, large("1")).code == 1
    kept = {path for path in warehouse.journal.rglob("*") if path.is_file()}
    warehouse.admin.forget()

    done = run_on_volume(warehouse, SCHEMA, large("2"), STATE, spare=spare)

    assert (done.code, done.output) == (1, b"")
    assert b"No space left on device" in done.log
    assert b"make room there" in done.log
    assert b"Traceback" not in done.log
    assert warehouse.merges() == []
    assert {path for path in warehouse.journal.rglob("*") if path.is_file()} == kept


def test_an_outcome_finds_room_on_a_full_volume(warehouse: Warehouse) -> None:
    """What settling notes is small, and needs what is loaded no less to go."""
    warehouse.loaded(SCHEMA, large("1"))
    killed(warehouse, "kill before", SCHEMA, bill("2"))

    done = run_on_volume(warehouse, OTHER, STATE, spare=BLOCK)

    assert done.code == 0, done.log
    assert warehouse.rows("ID") == [["1"], ["2"]]


def test_ping_tells_how_much_room_there_is(warehouse: Warehouse) -> None:
    def ping(spare: int) -> tuple[int, str]:
        settings = warehouse.folder / "config.json"
        settings.write_text(json.dumps(warehouse.settings(batch_size_bytes=10_000)))
        done = forks.run(
            "tests.helpers.small_volume:operate",
            ("--config", str(settings), "ping"),
            warehouse.folder,
            variables=on_volume(warehouse, spare),
        )
        return done.code, done.output.decode()

    warehouse.loaded(SCHEMA, large("1"), large("2"))
    used = size(warehouse.journal)
    room = f"the journal has {used:,} of at most 2,000,000,000, and can do without "
    code, lines = ping(spare=0)
    assert code == 0, lines
    assert "can be written to" not in lines
    assert f"{room}{used:,}." in lines

    (path,) = warehouse.journal.glob("*/*.json")
    failed = msgspec.structs.replace(*journal(warehouse), status="failed")
    path.write_bytes(msgspec.json.encode(failed))
    code, lines = ping(spare=0)
    assert code == 1
    assert "and can do without 0: too few for a batch; make room there." in lines
    code, lines = ping(spare=20_000)
    assert code == 0, lines
    assert f"{warehouse.journal} can be written to." in lines

    rows = path.with_suffix(".rows")
    rows.write_bytes(rows.read_bytes()[:-1])
    code, lines = ping(spare=20_000)
    assert code == 1
    assert f"failed  journal    The journal's file {rows} has been changed or" in lines
    path.write_bytes(path.read_bytes()[:-1])
    assert f"failed  journal    The journal's file {path} is damaged (" in ping(1)[1]


def test_a_real_volume_that_is_full(warehouse: Warehouse) -> None:
    warehouse.journal.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(warehouse.journal)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:  # noqa: S603 - the test's own command
        pytest.skip("this machine lets nobody mount a volume")
    try:
        warehouse.loaded(SCHEMA, large("1", 20_000))
        warehouse.loaded(SCHEMA, large("2", 20_000))
        run = warehouse.loaded(SCHEMA, large("3", 40_000), STATE)
        assert run.states == [STATE["value"]]
        assert warehouse.rows("ID") == [["1"], ["2"], ["3"]]
        refusal = warehouse.load(SCHEMA, large("4", 80_000), STATE).refusal()
        assert "cannot be written (No space left on device)" in refusal
    finally:
        subprocess.run(["/bin/umount", str(warehouse.journal)], check=True)  # noqa: S603 - as above


# A disk that is full once a batch was sent.


@pytest.mark.parametrize("is_refused", [False, True])
def test_what_cannot_be_noted_is_settled_by_the_next_run(
    warehouse: Warehouse, *, is_refused: bool
) -> None:
    table = '"BILL" AS t'
    again = {"status": 429, "retry_after": "3"}
    warehouse.admin.fault("status", contains=table, times=1, **again)
    if is_refused:
        warehouse.admin.fault("error", contains=table, code="000603", times=1)
    run = warehouse.start(SCHEMA, bill("1"), STATE)
    while not (found := list(warehouse.journal.glob("*/*.json"))):
        assert run.process.is_alive()
    in_the_way = found[0].with_suffix(".json.tmp")
    in_the_way.mkdir()
    done = run.done()

    assert (done.code, done.output) == (1, b"")
    assert b"Traceback" not in done.log
    assert b"was sent; the next run settles it" in done.log
    assert (b"000603" in done.log) == is_refused
    in_the_way.rmdir()
    warehouse.admin.forget()
    assert "was in flight" in warehouse.loaded(OTHER).log
    assert warehouse.rows("ID") == [["1"]]


# What crashes and replays leave.


def test_halves_are_settled_once(warehouse: Warehouse) -> None:
    """The run died before it could note that the halves stand for the whole."""
    warehouse.admin.fault("status", status=413, contains="MERGE")
    rows = [bill(id_) for id_ in "abcd"]
    killed(warehouse, "kill before", SCHEMA, *rows, at=1)
    (whole,) = [e for e in journal(warehouse) if e.status == "superseded"]
    (path,) = warehouse.journal.glob(f"*/{whole.request_id}.json")
    before = msgspec.structs.replace(whole, status="in_flight", error="")
    path.write_bytes(msgspec.json.encode(before))
    known = {entry.request_id for entry in journal(warehouse)}
    warehouse.admin.forget()
    warehouse.admin.fault("status", status=413, contains='"BILL" AS t', times=1)

    warehouse.loaded(OTHER)

    merges = [merge.query["requestId"] for merge in warehouse.merges()]
    assert merges[0] == whole.request_id
    assert len(merges) == 3
    assert set(merges) == known == {e.request_id for e in journal(warehouse)}
    assert warehouse.rows("ID") == [["a"], ["b"], ["c"], ["d"]]


def test_a_replay_with_a_half_that_was_refused_credits_nothing(
    warehouse: Warehouse,
) -> None:
    warehouse.admin.fault("error", contains='"BILL" AS t', code="000603")
    assert warehouse.load(SCHEMA, *[bill(id_) for id_ in "ab"]).code == 1
    (entry,) = journal(warehouse)
    warehouse.admin.forget()
    warehouse.admin.fault("status", status=413, contains="MERGE", times=1)

    with proxy.before(warehouse.admin.url, {2: "refuse"}) as between:
        done = warehouse.start_operating("replay", host=between.url).done()

    assert done.code == 1
    statuses = {e.request_id: e.status for e in journal(warehouse)}
    assert statuses.pop(entry.request_id) == "failed"
    assert sorted(statuses.values()) == ["failed", "loaded", "superseded"]
    warehouse.operate("replay")
    assert warehouse.rows("ID") == [["a"], ["b"]]


# The commands.


@pytest.mark.parametrize(
    "options",
    [
        ["--discard", "--dry-run"],
        ["--discard", "--dump", "out"],
        ["--dry-run", "--dump", "out"],
    ],
)
def test_options_that_exclude_each_other(
    warehouse: Warehouse, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(warehouse.folder)
    warehouse.admin.fault("error", contains='"BILL" AS t', code="000603")
    assert warehouse.load(SCHEMA, bill("1")).code == 1
    given = [str(warehouse.folder / o) if o == "out" else o for o in options]
    _, log = warehouse.operate("replay", *given, code=2)
    assert "--dump, --discard and --dry-run exclude each other" in log
    assert [entry.status for entry in journal(warehouse)] == ["failed"]
    assert not (warehouse.folder / "out").exists()


def test_only_what_is_not_loaded_is_discarded(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill("1"))
    (entry,) = journal(warehouse)
    for choice in (["--status", "loaded"], ["--request-id", entry.request_id]):
        _, log = warehouse.operate("replay", "--discard", *choice, code=1)
        assert "1 of these 1 batches are loaded" in log
    assert [e.status for e in journal(warehouse)] == ["loaded"]
    assert warehouse.rows("STATUS", "_SDC_LOADS") == [["loaded"]]


def test_loads_before_the_first_run(warehouse: Warehouse) -> None:
    assert warehouse.operate("loads")[0].startswith("Nothing was loaded yet")
    empty = json.loads(warehouse.operate("loads", "--json")[0])
    assert empty == {"journal": [], "loads": []}
