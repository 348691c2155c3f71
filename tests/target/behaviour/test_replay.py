"""What has failed, and what an operator does about it."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.batches import EARLY, LATE, MIDDLE, SCHEMA, activate, bill, failed
from tests.helpers.journals import beside, journal, statuses
from tests.helpers.moments import moment

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

KEYLESS = {**SCHEMA, "key_properties": []}
STATE = {"type": "STATE", "value": {"bookmark": 1}}
BEYOND = "9999-12-31T23:59:59-14:00"
REMOVED = ("activate_version", "loaded")


def test_what_has_failed_is_sent_again_when_asked_for(warehouse: Warehouse) -> None:
    entry = failed(warehouse, SCHEMA, bill("1", "a"), STATE)
    assert "000603" in entry.error

    listed = warehouse.operate("replay", "--dry-run")[0]
    assert entry.request_id in listed
    assert warehouse.rows("ID") == []

    warehouse.operate("replay")

    assert warehouse.rows('ID, NAME, "_SDC_REQUEST_ID", "_SDC_SEQUENCE"') == [
        ["1", "a", entry.request_id, str(entry.first_sequence)]
    ]
    assert statuses(warehouse) == ["loaded", "loaded"]
    assert [e.error for e in journal(warehouse)] == ["", ""]
    assert "000603" not in warehouse.operate("loads")[0]
    assert warehouse.operate("replay")[0] == "The journal holds no such batch.\n"


def test_a_batch_that_snowflake_knows_is_executed_again(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill("1", "a"), bill("2", "b"))
    warehouse.admin.sql(f'TRUNCATE TABLE FINANCE."{warehouse.schema}".BILL')
    (entry,) = journal(warehouse)

    warehouse.operate("replay", "--request-id", entry.request_id)

    assert warehouse.rows('ID, "_SDC_REQUEST_ID"') == [
        ["1", entry.request_id],
        ["2", entry.request_id],
    ]


def test_a_replay_that_is_refused_again_fails(warehouse: Warehouse) -> None:
    failed(warehouse, SCHEMA, bill("1", "a"))
    warehouse.admin.fault("error", contains='"BILL" AS t', code="000603")

    _, log = warehouse.operate("replay", code=1)
    assert "1 of 1 batches were refused again" in log
    warehouse.operate("replay")

    assert warehouse.rows("ID") == [["1"]]
    assert "failed" not in statuses(warehouse)


def test_keyless_rows_are_replayed_once(warehouse: Warehouse) -> None:
    rows = [bill("1", "same") for _ in range(4)]
    warehouse.loaded(KEYLESS, *rows)
    (entry,) = journal(warehouse)
    table = f'FINANCE."{warehouse.schema}".BILL'
    warehouse.admin.sql(f'DELETE FROM {table} WHERE "_SDC_ROW" > 2')  # noqa: S608

    # Also where Snowflake now finds the batch too large.
    warehouse.admin.fault("status", status=413, contains="MERGE", times=1)
    for _ in range(2):
        warehouse.operate("replay", "--request-id", entry.request_id)

    ids = {entry.request_id}
    assert {row[0] for row in warehouse.rows('"_SDC_REQUEST_ID"')} == ids
    assert warehouse.rows('"_SDC_ROW"') == [["1"], ["2"], ["3"], ["4"]]


@pytest.mark.parametrize(
    ("first", "method"), [(SCHEMA, "append-only"), (KEYLESS, "upsert")]
)
def test_what_was_appended_is_not_replayed_into_rows_with_a_key(
    warehouse: Warehouse, first: Any, method: str
) -> None:
    """The row that the key has found is another batch's now."""
    rows = [bill("1", "a", moment(minutes=5)), bill("2", "a", moment(minutes=1))]
    warehouse.loaded(first, *rows, load_method=method)
    warehouse.loaded(SCHEMA, bill("1", "b", moment(minutes=2)))
    appended, keyed = journal(warehouse)

    _, log = warehouse.operate("replay", "--status", "loaded", code=1)
    assert "loaded by key since, where their rows may be already, such as" in log
    assert appended.request_id in log
    warehouse.operate("replay", "--request-id", keyed.request_id)
    assert warehouse.rows("ID, NAME") == [["1", "b"], ["2", "a"]]


def test_what_was_appended_after_rows_with_a_key_is_replayed(
    warehouse: Warehouse,
) -> None:
    warehouse.loaded(SCHEMA, bill("1", "a"))
    warehouse.loaded(SCHEMA, bill("1", "b", LATE), load_method="append-only")
    warehouse.operate("replay", "--status", "loaded")
    assert warehouse.rows("ID, NAME") == [["1", "a"], ["1", "b"]]


def test_an_upsert_that_was_refused_stands_in_no_ones_way(
    warehouse: Warehouse,
) -> None:
    """It has replaced no row, so what was appended before it still knows its own."""
    settings = {"load_method": "append-only"}
    appended = failed(warehouse, SCHEMA, bill("1", "a"), **settings)
    warehouse.admin.fault("error", contains='"BILL" AS t', code="000603", times=1)
    refused = warehouse.load(SCHEMA, bill("2", "b", LATE))
    assert refused.code == 1, refused.log
    warehouse.operate("replay", "--request-id", appended.request_id)
    assert warehouse.rows("ID, NAME") == [["1", "a"]]


def test_a_replay_never_replaces_what_is_newer(warehouse: Warehouse) -> None:
    entry = failed(warehouse, SCHEMA, bill("1", "old"), bill("2", "only"))
    log = warehouse.loaded(SCHEMA, bill("1", "new", LATE)).log
    assert statuses(warehouse) == ["superseded", "loaded"]
    again = f"snowflake-merge replay --request-id {entry.request_id} sends them"
    assert f"Request {entry.request_id} of stream bill, whose 2 rows" in log
    assert again in log
    loads = json.loads(warehouse.operate("loads", "--json")[0])["loads"]
    assert {load["request_id"]: load["status"] for load in loads}[
        entry.request_id
    ] == "superseded"

    warehouse.operate("replay", "--request-id", entry.request_id)

    assert statuses(warehouse) == ["loaded"] * 3
    assert warehouse.rows("ID, NAME") == [["1", "new"], ["2", "only"]]


@pytest.mark.parametrize("hard", [False, True])
def test_what_a_version_has_removed_does_not_come_back(
    warehouse: Warehouse, *, hard: bool
) -> None:
    warehouse.loaded(SCHEMA, bill("gone", "loaded"), bill("stays", "loaded"))
    entry = failed(warehouse, SCHEMA, bill("gone", "x"), bill("never", "x"))
    seen = [bill("stays", "seen", LATE, version=2)]
    warehouse.loaded(SCHEMA, *seen, activate(2), hard_delete=hard)

    everything = ["--status", "superseded", "--status", "loaded"]
    warehouse.operate("replay", *everything)

    alive = warehouse.rows('ID, NAME, "_SDC_DELETED_AT" IS NULL')
    assert [row[:2] for row in alive if row[2]] == [["stays", "seen"]]
    assert [row[0] for row in alive] == (["stays"] if hard else ["gone", "stays"])
    assert entry.request_id in {e.replays for e in journal(warehouse)}


def test_rows_of_the_version_itself_are_inserted(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill("1", "a", EARLY, version=1), activate(1))
    entry = failed(warehouse, SCHEMA, bill("2", "b", MIDDLE, version=1), activate(1))
    warehouse.loaded(SCHEMA, bill("3", "c", LATE, version=1), activate(1))

    warehouse.operate("replay", "--request-id", entry.request_id)

    assert warehouse.rows("ID") == [["1"], ["2"], ["3"]]


def test_what_a_living_run_has_removed_does_not_come_back(
    warehouse: Warehouse,
) -> None:
    """Its statements stand in its journal only, for as long as it goes on."""
    failed(warehouse, SCHEMA, bill("gone"))
    other = [{**m, "stream": "other"} for m in (SCHEMA, bill("1"))]
    warehouse.admin.fault("slow", contains='"OTHER" AS t', seconds=5)
    seen = [bill("seen", extracted=LATE, version=2), activate(2)]
    living = warehouse.start(SCHEMA, *seen, *other)
    while not any((e.kind, e.status) == REMOVED for e in journal(warehouse)):
        assert living.process.is_alive()

    warehouse.operate("replay")

    assert living.process.is_alive()
    assert warehouse.rows("ID") == [["seen"]]
    assert living.done().code == 0


def test_a_removal_at_the_same_time_is_told_of(warehouse: Warehouse) -> None:
    entry = failed(warehouse, SCHEMA, bill("1"))
    warehouse.admin.forget()
    warehouse.admin.fault("slow", contains='"BILL" AS t', seconds=3)
    replay = warehouse.start_operating("replay")
    while not warehouse.merges():
        assert replay.process.is_alive()
    with beside(warehouse, entry) as write:
        after = (entry.last_sequence or 0) + 1
        write(kind="activate_version", version=2, last_sequence=after)
        done = replay.done()
    assert done.code == 0, done.log
    assert b"has inserted 1 rows while another run removed rows" in done.log


def test_what_a_living_run_loads_by_key_is_known(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill("1", "a"), load_method="append-only")
    (entry,) = journal(warehouse)
    with beside(warehouse, entry) as write:
        write(load_method="upsert", last_sequence=(entry.last_sequence or 0) + 1)
        _, log = warehouse.operate("replay", "--request-id", entry.request_id, code=1)
    assert "loaded by key since" in log


def test_a_discarded_batch_is_not_sent(warehouse: Warehouse) -> None:
    entry = failed(warehouse, SCHEMA, bill("1", "a"))

    output, _ = warehouse.operate("replay", "--discard")

    assert output.endswith("\nDiscarded: 1 statements, 1 rows.\n")
    assert statuses(warehouse) == ["discarded"]
    assert "Discarded" not in warehouse.operate("replay", "--discard")[0]
    warehouse.operate("replay")
    assert warehouse.rows("ID") == []
    (load,) = json.loads(warehouse.operate("loads", "--json")[0])["loads"]
    assert (load["request_id"], load["status"]) == (entry.request_id, "discarded")

    warehouse.operate("replay", "--request-id", entry.request_id)
    assert warehouse.rows("ID") == [["1"]]
    loads = json.loads(warehouse.operate("loads", "--json")[0])["loads"]
    assert {load["status"] for load in loads} == {"loaded"}


def test_the_records_of_a_batch_can_be_read(warehouse: Warehouse) -> None:
    deleted = {"_sdc_deleted_at": LATE}
    schema = json.loads(json.dumps(SCHEMA))
    schema["schema"]["properties"]["more"] = {"type": "object"}
    digits = "0.12345678901234567890123456789"
    exact = json.dumps(bill("3", record={"more": {"a": 0}})).replace(
        '{"a": 0}', f'{{"a": {digits}}}'
    )
    records = bill("1", "Łódź"), bill("2", "b", record=deleted), f"{exact}\n"
    failed(warehouse, schema, *records)

    output, _ = warehouse.operate("replay", "--dump", "-")

    first, second, third = map(json.loads, output.splitlines())
    assert first["record"] == {"id": "1", "name": "Łódź"}
    assert first["stream"] == "bill"
    assert third["record"]["more"] == {"a": float(digits)}
    assert digits in output
    assert second["record"]["_sdc_deleted_at"].startswith("2026-01-03T00:00:00")
    assert statuses(warehouse) == ["failed"]


@pytest.mark.parametrize("mode", [None, 0o644])
def test_nobody_else_can_read_a_dump(warehouse: Warehouse, mode: int | None) -> None:
    """Not even where the file was there, and longer, and all could read it."""
    failed(warehouse, SCHEMA, bill("1", "a"))
    file = warehouse.folder / "dump"
    if mode:
        file.write_text("old" * 1_000)
        file.chmod(mode)
    warehouse.operate("replay", "--dump", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["record"] == {"id": "1", "name": "a"}


def test_a_dump_of_nothing_makes_no_file(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill("1", "a"))
    file = warehouse.folder / "dump"
    warehouse.operate("replay", "--dump", str(file))
    assert not file.exists()


def test_a_file_that_cannot_be_written_is_named(warehouse: Warehouse) -> None:
    failed(warehouse, SCHEMA, bill("1", "a"))
    _, log = warehouse.operate("replay", "--dump", "/dev/full", code=1)
    assert "cannot be written into /dev/full (No space left on device)" in log


def test_batches_are_chosen(warehouse: Warehouse) -> None:
    payment = [{**m, "stream": "payment"} for m in (SCHEMA, bill("1", "p"))]
    warehouse.loaded(SCHEMA, bill("1", "a"))
    warehouse.loaded(SCHEMA, bill("2", "b"), *payment)
    first, second, third = journal(warehouse)

    def listed(*options: str) -> set[str]:
        every = [*options, "--status", "loaded", "--dry-run"]
        text, _ = warehouse.operate("replay", *every)
        return {e.request_id for e in (first, second, third) if e.request_id in text}

    ids = {first.request_id, second.request_id, third.request_id}
    assert listed() == ids
    assert listed("--run", first.run_id) == {first.request_id}
    assert len(listed("--stream", "payment")) == 1
    assert listed("--since", second.created_at) == ids - {first.request_id}
    shown, _ = warehouse.operate("replay", "--status", "loaded", "--dry-run")
    copied = f"{second.created_at[:19]}Z"
    assert copied in shown
    assert second.request_id in listed("--since", copied)
    assert listed("--since", "2020-01-01") == ids
    assert listed("--request-id", third.request_id) == {third.request_id}
    assert warehouse.operate("replay", "--dry-run")[0].startswith("The journal")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--request-id", "none"], "holds no such batch for this schema: none"),
        (["--since", "yesterday"], "yesterday is no date"),
        (["--since", BEYOND], f"{BEYOND} is no date"),
        # Eastern or UTC? --discard would give up other batches than were meant.
        (["--since", "2026-03-01T08:00"], "lacks its offset from UTC; write it as"),
        (["--since", "2099-01-01"], "2099-01-01 is yet to come"),
    ],
)
def test_what_cannot_be_chosen_is_said(
    warehouse: Warehouse, options: list[str], says: str
) -> None:
    code = 2 if "--since" in options else 1
    assert says in warehouse.operate("replay", *options, code=code)[1]


def test_a_batch_that_other_options_leave_out_is_told_of(
    warehouse: Warehouse,
) -> None:
    entry = failed(warehouse, SCHEMA, bill("1", "a"))
    options = ("--request-id", entry.request_id, "--status", "loaded")
    _, log = warehouse.operate("replay", *options, code=1)
    assert f"of stream bill and run {entry.run_id} is failed, and the other" in log

    warehouse.operate("replay")
    (again,) = [e for e in journal(warehouse) if e.replays]
    _, log = warehouse.operate("replay", "--request-id", again.request_id, code=1)
    assert f"has sent request {entry.request_id} again; give that one" in log


def test_rows_that_are_gone_are_discarded_where_that_can_be(
    warehouse: Warehouse,
) -> None:
    entry = failed(warehouse, SCHEMA, bill("1", "a"))
    (rows,) = warehouse.journal.glob("*/*.rows")
    content = rows.read_bytes()
    rows.unlink()
    for options in ([], ["--dump", "-"]):
        output, log = warehouse.operate("replay", *options, code=1)
        assert f"{rows} cannot be read (No such file or directory); discard" in log
        assert '"record"' not in output

    warehouse.operate("replay", "--discard")
    again = ("replay", "--request-id", entry.request_id)
    assert "the batch is discarded, so leave it" in warehouse.operate(*again, code=1)[1]
    rows.write_bytes(content[:-1])
    _, log = warehouse.operate(*again, code=1)
    assert "has been changed or damaged; the batch is discarded, so leave it" in log
    assert statuses(warehouse) == ["discarded"]


def test_damaged_rows_are_not_sent(warehouse: Warehouse) -> None:
    failed(warehouse, SCHEMA, bill("1", "a"))
    (rows,) = warehouse.journal.glob("*/*.rows")
    rows.write_bytes(rows.read_bytes().replace(b'"a"', b'"b"'))

    assert "has been changed or damaged" in warehouse.operate("replay", code=1)[1]
    assert warehouse.rows("ID") == []


def test_loads_names_a_journal_that_cannot_be_looked_at(warehouse: Warehouse) -> None:
    done = warehouse.start_operating("loads", journal_path="x" * 300).done()
    assert b"Traceback" not in done.log
    assert b"xxx cannot be read (File name too long); correct its" in done.log


def test_loads_lists_the_ledger_with_failures_on_top(warehouse: Warehouse) -> None:
    entry = failed(warehouse, SCHEMA, bill("1", "a"))
    others = [{**m, "stream": "payment"} for m in (SCHEMA, bill("1", "p"))]
    warehouse.loaded(*others)

    lines = warehouse.operate("loads")[0].splitlines()
    assert lines[0] == "In this machine's journal (see snowflake-merge replay):"
    assert entry.request_id in lines[2]
    assert lines[4].startswith("STATUS")
    assert lines[5].startswith("failed")
    assert entry.request_id in lines[5]
    assert lines[6].startswith("loaded")

    found = json.loads(warehouse.operate("loads", "--json")[0])
    assert [load["status"] for load in found["loads"]] == ["failed", "loaded"]
    assert found["journal"][0]["request_id"] == entry.request_id
    only, _ = warehouse.operate(
        "loads", "--json", "--stream", "payment", "--limit", "1"
    )
    (load,) = json.loads(only)["loads"]
    assert (load["stream"], load["rows"], load["inserted"]) == ("payment", 1, 1)
    assert load["started_at"].startswith("20")
