"""A run that is killed at any point leaves nothing lost and nothing doubled."""

from __future__ import annotations

import signal
import stat
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from target_snowflake_merge.journal.entry import decoder
from target_snowflake_merge.journal.run_folder import folders

from tests.helpers import proxy
from tests.helpers.batches import EARLY, LATE, SCHEMA
from tests.helpers.crashes import bill, killed
from tests.helpers.journals import beside, journal

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

KEYLESS = {**SCHEMA, "key_properties": []}
STATE = {"type": "STATE", "value": {"bookmark": 1}}
OTHER = {**SCHEMA, "stream": "other"}


def ledger(warehouse: Warehouse, columns: str = "REQUEST_ID, STATUS") -> list[Any]:
    return warehouse.rows(columns, "_SDC_LOADS")


@pytest.mark.parametrize("schema", [SCHEMA, KEYLESS], ids=["keyed", "keyless"])
@pytest.mark.parametrize("remembers", [True, False])
@pytest.mark.parametrize("action", ["kill before", "kill after"])
def test_a_batch_in_flight_is_settled_by_the_next_run(
    warehouse: Warehouse, action: proxy.Action, schema: Any, *, remembers: bool
) -> None:
    """airflow#69477: a crash after the submission ran the statement twice."""
    warehouse.admin.configure(remember_requests=remembers)
    killed(warehouse, action, schema, bill("1"), bill("2"), STATE)
    (entry,) = journal(warehouse)
    assert entry.status == "in_flight"
    warehouse.admin.forget()

    run = warehouse.loaded(OTHER)

    (resent,) = warehouse.merges()
    assert resent.query == {"requestId": entry.request_id, "retry": "true"}
    assert f"Request {entry.request_id} of stream bill was in flight" in run.log
    assert warehouse.rows('ID, "_SDC_REQUEST_ID"') == [
        ["1", entry.request_id],
        ["2", entry.request_id],
    ]
    assert ledger(warehouse) == [[entry.request_id, "loaded"]]


@pytest.mark.parametrize("action", ["kill before", "kill after"])
def test_the_ledger_is_repaired_by_the_next_run(
    warehouse: Warehouse, action: proxy.Action
) -> None:
    killed(warehouse, action, SCHEMA, bill("1"), STATE, at=1)
    (entry,) = journal(warehouse)
    assert (entry.status, entry.in_ledger) == ("loaded", False)

    run = warehouse.loaded(OTHER)

    assert "was in flight" not in run.log
    columns = (
        "REQUEST_ID, BATCH_ID, STATEMENT_HANDLE, RUN_ID, STREAM, TABLE_NAME, KIND, "
        '"ROWS", BYTES, INSERTED, UPDATED, DELETED, CHECKSUM, ATTEMPTS, STATUS, '
        "FIRST_SEQUENCE, LAST_SEQUENCE, STARTED_AT <= FINISHED_AT"
    )
    sequence = str(entry.first_sequence)
    assert ledger(warehouse, columns) == [
        [
            *(entry.request_id, entry.request_id, entry.statement_handle),
            *(entry.run_id, "bill", entry.table, "merge", "1", str(entry.bytes)),
            *("1", "0", "0", entry.checksum, "1", "loaded", sequence, sequence, True),
        ]
    ]


@pytest.mark.parametrize("action", ["kill before", "kill after"])
def test_an_activation_in_flight_is_settled(
    warehouse: Warehouse, action: proxy.Action
) -> None:
    warehouse.loaded(SCHEMA, bill("gone"), bill("stays"))
    messages = [
        {**bill("stays", LATE), "version": 2},
        {"type": "ACTIVATE_VERSION", "stream": "bill", "version": 2},
    ]
    killed(warehouse, action, SCHEMA, *messages, STATE, at=1)

    warehouse.loaded(OTHER)

    rows = warehouse.rows('ID, "_SDC_DELETED_AT" IS NULL')
    assert rows == [["gone", False], ["stays", True]]
    kinds = [row[0] for row in ledger(warehouse, "KIND")]
    assert kinds == ["activate_version", "merge", "merge"]


def test_what_a_batch_in_flight_lost_against_meanwhile_stays(
    warehouse: Warehouse,
) -> None:
    """Another run has activated a version since: the batch inserts nothing."""
    warehouse.loaded(SCHEMA, bill("stays"))
    killed(warehouse, "kill before", SCHEMA, bill("gone"))
    elsewhere = str(warehouse.folder / "elsewhere")
    warehouse.loaded(
        SCHEMA,
        {**bill("stays", LATE), "version": 2},
        {"type": "ACTIVATE_VERSION", "stream": "bill", "version": 2},
        journal_path=elsewhere,
    )

    warehouse.loaded(OTHER)

    assert warehouse.rows("ID") == [["stays"]]


@pytest.mark.parametrize("older", [True, False])
@pytest.mark.parametrize("at", [1, 2], ids=["unsettled", "not in the ledger"])
def test_settling_brings_nothing_back_that_was_removed(
    warehouse: Warehouse, at: int, *, older: bool
) -> None:
    """Two runs beside each other: one's batch, and the other's activation."""
    warehouse.loaded(SCHEMA, bill("stays"))
    elsewhere = warehouse.folder / "elsewhere"
    activate = {"type": "ACTIVATE_VERSION", "stream": "bill", "version": 2}
    seen = {**bill("stays", LATE), "version": 2}
    removing = {"hard_delete": True, "journal_path": str(elsewhere)}

    killed(warehouse, "kill before", SCHEMA, bill("gone"))
    action: proxy.Action = "kill after" if at == 1 else "kill before"
    killed(warehouse, action, SCHEMA, seen, activate, at=at, **removing)
    for folder in folders(elsewhere):
        # One of the two runs has begun earlier.
        name = f"00{folder.name[2:]}" if older else folder.name
        folder.rename(warehouse.journal / name)

    warehouse.loaded(OTHER)

    assert warehouse.rows("ID") == [["stays"]]
    assert {status for (status,) in ledger(warehouse, "STATUS")} == {"loaded"}


def test_what_stays_open_keeps_its_sequences(warehouse: Warehouse) -> None:
    """A batch of a clock that was ahead is replayed later, and is not the newer one."""
    killed(warehouse, "kill before", SCHEMA, bill("1", "2099-01-01T00:00:00Z"))
    warehouse.admin.fault("error", contains='"BILL" AS t', code="000603", times=1)
    newer = {**bill("1"), "record": {"id": "1", "name": "newer"}}
    warehouse.loaded(SCHEMA, newer)
    warehouse.operate("replay", "--status", "superseded")
    assert warehouse.rows("NAME") == [["newer"]]


def test_a_settled_statement_has_the_text_that_was_sent(warehouse: Warehouse) -> None:
    killed(warehouse, "kill before", SCHEMA, bill("1"))
    (entry,) = journal(warehouse)
    warehouse.loaded(OTHER)
    (resent,) = warehouse.merges()
    assert resent.statement == entry.sql


def test_a_half_that_was_not_sent_is_no_outcome(warehouse: Warehouse) -> None:
    killed(warehouse, "kill before", SCHEMA, bill("1"), bill("2"))
    warehouse.admin.fault("status", contains='"BILL" AS t', status=413, times=1)
    warehouse.admin.fault("error", contains='"BILL" AS t', code="000603", times=1)
    warehouse.loaded(OTHER)
    statuses = sorted(status for (status,) in ledger(warehouse, "STATUS"))
    assert statuses == ["failed", "superseded"]
    warehouse.loaded(OTHER)
    statuses = sorted(status for (status,) in ledger(warehouse, "STATUS"))
    assert statuses == ["failed", "loaded", "superseded"]
    assert warehouse.rows("ID") == [["2"]]


def test_a_batch_that_is_refused_when_it_is_settled_has_failed(
    warehouse: Warehouse,
) -> None:
    killed(warehouse, "kill before", SCHEMA, bill("1"))
    (entry,) = journal(warehouse)
    warehouse.admin.fault("error", contains='"BILL" AS t', code="000603")

    run = warehouse.loaded(OTHER, STATE)

    assert run.states == [STATE["value"]]
    command = f"snowflake-merge replay --request-id {entry.request_id} sends"
    assert command in run.log
    assert "Stream bill" in run.log
    assert "1 rows" in run.log
    assert ledger(warehouse) == [[entry.request_id, "failed"]]
    warehouse.admin.forget()
    warehouse.loaded(OTHER)
    assert warehouse.merges() == []


def test_a_run_stops_where_it_cannot_settle(warehouse: Warehouse) -> None:
    killed(warehouse, "kill before", SCHEMA, bill("1"))
    run = warehouse.load(SCHEMA, bill("2"), STATE, host="http://127.0.0.1:9")
    assert "check account, host and the network" in run.refusal()
    assert [entry.status for entry in journal(warehouse)] == ["in_flight"]


def test_what_belongs_to_another_schema_is_left_alone(warehouse: Warehouse) -> None:
    killed(warehouse, "kill before", SCHEMA, bill("1"))
    warehouse.admin.forget()
    warehouse.loaded(OTHER, default_target_schema=f"{warehouse.schema}_X")
    assert warehouse.merges() == []
    assert [entry.status for entry in journal(warehouse)] == ["in_flight"]


def test_a_half_of_a_batch_in_flight_is_settled(warehouse: Warehouse) -> None:
    warehouse.admin.fault("status", status=413, contains="MERGE")
    rows = [bill(id_) for id_ in "abcd"]
    killed(warehouse, "kill after", KEYLESS, *rows, at=2)
    assert sorted(e.status for e in journal(warehouse)) == [
        *("in_flight", "loaded", "superseded"),
    ]

    warehouse.loaded(OTHER)

    assert warehouse.rows('ID, "_SDC_ROW"') == [
        [id_, str(row)] for row, id_ in enumerate("abcd", start=1)
    ]
    (batch,) = {row[0] for row in warehouse.rows('"_SDC_REQUEST_ID"')}
    found = ledger(warehouse, "BATCH_ID, STATUS, KIND")
    assert sorted(found) == [
        [batch, "loaded", "merge"],
        [batch, "loaded", "merge"],
        [batch, "superseded", "merge"],
    ]


def test_a_replay_in_flight_is_settled_and_credited(warehouse: Warehouse) -> None:
    warehouse.admin.fault("error", contains='"BILL" AS t', code="000603")
    assert warehouse.load(SCHEMA, bill("1")).code == 1
    with proxy.before(warehouse.admin.url, {0: "kill after"}) as between:
        run = warehouse.start_operating("replay", host=between.url)
        between.client = run.pid
        assert run.done().code == -signal.SIGKILL

    warehouse.loaded(OTHER)

    assert [entry.status for entry in journal(warehouse)] == ["loaded", "loaded"]
    assert [row[1] for row in ledger(warehouse)] == ["loaded", "loaded"]


def test_what_was_appended_is_not_settled_into_rows_with_a_key(
    warehouse: Warehouse,
) -> None:
    """It would insert once more what has been taken over by its key."""
    appended = [SCHEMA, bill("1", EARLY)]
    killed(warehouse, "kill after", *appended, load_method="append-only")
    elsewhere = str(warehouse.folder / "elsewhere")
    warehouse.loaded(SCHEMA, bill("1", LATE), journal_path=elsewhere)
    warehouse.admin.configure(remember_requests=False)

    run = warehouse.load(OTHER)

    assert run.code == 0
    assert "its table has been loaded by key since, where its rows may be" in run.log
    assert warehouse.rows("ID") == [["1"]]
    assert [entry.status for entry in journal(warehouse)] == ["failed"]
    assert sorted(row[1] for row in ledger(warehouse)) == ["failed", "loaded"]


def test_a_living_run_keeps_its_batches(warehouse: Warehouse) -> None:
    """A second run beside it neither settles nor removes them."""
    warehouse.loaded(SCHEMA)
    warehouse.admin.fault("slow", contains='"BILL" AS t', seconds=3)
    first = warehouse.start(SCHEMA, bill("1"), STATE)
    while not warehouse.merges():
        assert first.process.is_alive()

    run = warehouse.loaded(OTHER, journal_retention_days=0)
    _, log = warehouse.operate("replay", "--status", "in_flight", code=1)

    assert "was in flight" not in run.log
    assert "is still going on" in log
    assert first.done().code == 0
    assert len(warehouse.merges()) == 1
    assert warehouse.rows("ID") == [["1"]]


@pytest.mark.parametrize("is_old", [False, True])
def test_another_spelling_of_the_account_hides_nothing(
    warehouse: Warehouse, *, is_old: bool
) -> None:
    killed(warehouse, "kill before", SCHEMA, bill("1"))
    address = "https://sandbox-local.snowflakecomputing.com/"
    if is_old:
        (path,) = warehouse.journal.glob("*/*.json")
        entry = decoder.decode(path.read_bytes())
        old = f"{address}/FINANCE/{warehouse.schema}".upper()
        path.write_bytes(
            msgspec.json.encode(msgspec.structs.replace(entry, destination=old))
        )
    account = "sandbox.local" if is_old else address

    assert "was in flight" in warehouse.loaded(OTHER, account=account).log
    assert warehouse.rows("ID") == [["1"]]


def test_what_a_living_run_has_removed_is_not_settled_back(
    warehouse: Warehouse,
) -> None:
    killed(warehouse, "kill before", SCHEMA, bill("gone"))
    (entry,) = journal(warehouse)
    removed = {"kind": "activate_version", "version": 2}
    with beside(warehouse, entry) as write:
        write(**removed, last_sequence=(entry.last_sequence or 0) + 1)
        assert "was in flight" in warehouse.loaded(OTHER).log
    assert warehouse.rows("ID") == []


def test_nobody_else_can_read_the_journal(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill("1"))
    paths = [warehouse.journal, *warehouse.journal.rglob("*")]
    assert len(paths) == 7
    for path in paths:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_the_row_trail(warehouse: Warehouse) -> None:
    """Each row leads to its load, the log of Snowflake, and the journal."""
    warehouse.loaded(SCHEMA, bill("1"), bill("2"), batch_size_rows=1)
    found = warehouse.rows(
        "b.ID, l.STATEMENT_HANDLE, l.REQUEST_ID",
        f'BILL" b JOIN "FINANCE"."{warehouse.schema}"."_SDC_LOADS" l '
        'ON l.BATCH_ID = b."_SDC_REQUEST_ID',
    )
    handles = [merge.handle for merge in warehouse.merges()]
    assert [row[:2] for row in found] == [["1", handles[0]], ["2", handles[1]]]
    assert [row[2] for row in found] == [e.request_id for e in journal(warehouse)]
