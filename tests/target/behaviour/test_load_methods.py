"""upsert, append-only and overwrite."""

from __future__ import annotations

import signal
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from target_snowflake_merge.journal.entry import time_ordered_id
from target_snowflake_merge.warehouse import replacement_table

from tests.helpers import proxy
from tests.helpers.bills import KEYED, OVERWRITE, STATE, bill, ledger, tables_aside

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

KEYLESS = {**KEYED, "key_properties": []}
APPEND: dict[str, Any] = {"load_method": "append-only"}
OTHER = {**KEYED, "stream": "vendor"}


def test_upsert_is_the_default(warehouse: Warehouse) -> None:
    warehouse.loaded(KEYED, bill("a", "1"), bill("a", "2"))
    warehouse.loaded(KEYED, bill("a", "3"))
    assert warehouse.rows('"ID", "NOTE"') == [["a", "3"]]


# append-only.


def test_every_record_is_inserted(warehouse: Warehouse) -> None:
    warehouse.loaded(KEYED, bill("a", "1"), bill("a", "2"), bill("b"), **APPEND)
    warehouse.loaded(KEYED, bill("a", "1"), **APPEND)
    rows = warehouse.rows('"ID", "NOTE", "_SDC_ROW"', order="_SDC_SEQUENCE")
    assert rows == [
        ["a", "1", "1"],
        ["a", "2", "2"],
        ["b", None, "3"],
        ["a", "1", "1"],
    ]
    assert ledger(warehouse, "LOAD_METHOD, INSERTED") == [
        ["append-only", "3"],
        ["append-only", "1"],
    ]


def test_a_resend_or_replay_appends_nothing_twice(warehouse: Warehouse) -> None:
    warehouse.admin.configure(remember_requests=False)
    warehouse.admin.fault("drop", contains="MERGE INTO", executes=True)
    warehouse.loaded(KEYED, bill("a", "1"), bill("a", "2"), **APPEND)
    assert len(warehouse.rows('"ID"')) == 2
    warehouse.operate("replay", "--status", "loaded")
    assert len(warehouse.rows('"ID"')) == 2
    warehouse.admin.sql(f"DELETE FROM FINANCE.{warehouse.schema}.BILL WHERE NOTE = '1'")  # noqa: S608 - the test's own text
    warehouse.operate("replay", "--status", "loaded")
    assert warehouse.rows('"NOTE"') == [["1"], ["2"]]


def test_a_key_must_be_whole_also_where_it_does_not_count(warehouse: Warehouse) -> None:
    nullable = {**KEYED, "schema": {"properties": {"id": {"type": ["string", "null"]}}}}
    record = {"type": "RECORD", "stream": "bill", "record": {"id": None}}
    run = warehouse.load(nullable, record, **APPEND)
    assert "the key property id is null" in run.refusal()


def test_a_table_can_be_appended_to_and_upserted_again(warehouse: Warehouse) -> None:
    """What was appended of a key takes the value that is upserted, each row of it."""
    warehouse.loaded(KEYED, bill("a", "1"))
    warehouse.loaded(KEYED, bill("a", "2"), **APPEND)
    assert warehouse.rows('"NOTE"') == [["1"], ["2"]]
    warehouse.loaded(KEYED, bill("a", "3"))
    assert warehouse.rows('"NOTE"') == [["3"], ["3"]]


def test_a_version_marks_what_was_appended_before(warehouse: Warehouse) -> None:
    activate = {"type": "ACTIVATE_VERSION", "stream": "bill"}
    for version in (1, 2):
        messages = [bill("a", str(version), version=version)]
        warehouse.loaded(KEYED, *messages, {**activate, "version": version}, **APPEND)
    rows = warehouse.rows('"NOTE", "_SDC_DELETED_AT" IS NULL')
    assert rows == [["1", False], ["2", True]]


# overwrite.


@pytest.mark.parametrize("schema", [KEYED, KEYLESS])
def test_a_new_table_takes_the_old_ones_place(
    warehouse: Warehouse, schema: dict[str, Any]
) -> None:
    warehouse.loaded(schema, bill("old"), bill("both", "old"))
    run = warehouse.loaded(
        schema, bill("both", "new"), bill("b"), STATE, batch_size_rows=1, **OVERWRITE
    )
    assert warehouse.rows('"ID", "NOTE"') == [["b", None], ["both", "new"]]
    assert run.states == [STATE["value"]]
    assert "The new rows of bill have taken their place" in run.log
    assert tables_aside(warehouse) == []
    assert ledger(warehouse, "KIND, LOAD_METHOD, STATUS, TABLE_NAME")[1:] == [
        [kind, "overwrite", "loaded", f'"FINANCE"."{warehouse.schema}"."BILL"']
        for kind in ("merge", "merge", "overwrite")
    ]


def test_the_last_record_of_a_key_remains(warehouse: Warehouse) -> None:
    records = [bill("a", "1"), bill("a", "2"), bill("a", "3")]
    warehouse.loaded(KEYED, *records, STATE, batch_size_rows=2, **OVERWRITE)
    assert warehouse.rows('"ID", "NOTE"') == [["a", "3"]]


def test_a_new_table_may_have_other_types(warehouse: Warehouse) -> None:
    """The columns of the old table do not matter, and those that are gone go."""
    warehouse.loaded(KEYED, bill("1", "text"))
    changed = {"properties": {"id": {"type": "integer"}, "due": {"format": "date"}}}
    record = {"type": "RECORD", "stream": "bill", "record": {"id": 1}}
    warehouse.loaded({**KEYED, "schema": changed}, record, STATE, **OVERWRITE)
    assert warehouse.rows('"ID" + 1, "DUE"') == [["2", None]]
    with pytest.raises(Exception, match="NOTE"):
        warehouse.rows('"NOTE"')


def test_a_schema_may_change_on_the_way(warehouse: Warehouse) -> None:
    wider = {"properties": {**KEYED["schema"]["properties"], "x": {"type": "integer"}}}  # type: ignore[index]
    record = {"type": "RECORD", "stream": "bill", "record": {"id": "b", "x": 1}}
    warehouse.loaded(
        KEYED, bill("a", "1"), {**KEYED, "schema": wider}, record, STATE, **OVERWRITE
    )
    assert warehouse.rows('"ID", "NOTE", "X"') == [["a", "1", None], ["b", None, "1"]]


def test_states_wait_until_the_table_is_in_its_place(warehouse: Warehouse) -> None:
    warehouse.loaded(KEYED, bill("old"))
    refused = {"code": "000603", "sql_state": "XX000"}
    warehouse.admin.fault("error", contains="INSERT OVERWRITE", **refused)
    run = warehouse.load(KEYED, bill("a"), STATE, batch_size_rows=1, **OVERWRITE)
    assert run.code == 1
    assert run.states == []
    assert warehouse.rows('"ID"') == [["old"]]
    assert len(tables_aside(warehouse)) == 1
    run = warehouse.loaded(KEYED, bill("b"), STATE, **OVERWRITE)
    assert "which a run that broke off has left" in run.log
    assert run.states == [STATE["value"]]
    assert warehouse.rows('"ID"') == [["b"]]
    assert tables_aside(warehouse) == []
    statuses = ledger(warehouse, "KIND, STATUS")
    assert ["overwrite", "superseded"] in statuses
    assert ["overwrite", "failed"] not in statuses


def test_a_tap_that_dies_leaves_the_old_table(warehouse: Warehouse) -> None:
    """The end of the input looks the same, but no STATE comes behind the records."""
    warehouse.loaded(KEYED, bill("old"))
    run = warehouse.load(KEYED, bill("a"), STATE, bill("b"), **OVERWRITE)
    assert "no STATE has come behind the last records" in run.errors[0]
    assert (run.code, run.states) == (1, [])
    assert warehouse.rows('"ID"') == [["old"]]


@pytest.mark.parametrize("reading", ["bill", "finance-bill"])
@pytest.mark.parametrize("alias", ["bill", "invoice"])
def test_a_stream_that_is_being_read_is_not_done(
    warehouse: Warehouse, reading: str, alias: str
) -> None:
    """Some taps write states on the way, and say in them what they are reading.

    They may call it otherwise than in its records, as stream_maps may.
    """
    syncing = {"type": "STATE", "value": {"currently_syncing": reading}}
    changes = {**OVERWRITE, "stream_maps": {"bill": {"__alias__": alias}}}
    table = alias.upper()
    warehouse.loaded(KEYED, bill("old"), STATE, **changes)
    run = warehouse.load(KEYED, bill("a"), syncing, **changes)
    assert "Stream bill: no STATE has come behind the last records" in run.errors[0]
    assert warehouse.rows('"ID"', table) == [["old"]]
    done = {"type": "STATE", "value": {"currently_syncing": None}}
    warehouse.loaded(KEYED, bill("a"), syncing, bill("b"), done, **changes)
    assert warehouse.rows('"ID"', table) == [["a"], ["b"]]


def test_a_state_of_the_next_stream_concludes_the_one_before(
    warehouse: Warehouse,
) -> None:
    reading = {"type": "STATE", "value": {"currently_syncing": "vendor"}}
    warehouse.loaded(KEYED, bill("a"), OTHER, reading, **OVERWRITE)
    assert warehouse.rows('"ID"') == [["a"]]


@pytest.mark.parametrize(
    ("action", "at", "remains"),
    [
        ("kill before", 0, "old"),
        ("kill after", 0, "old"),
        ("kill before", 1, "old"),
        ("kill after", 1, "half"),
    ],
)
def test_a_crash_leaves_a_whole_table(
    warehouse: Warehouse, action: proxy.Action, at: int, remains: str
) -> None:
    """What was in flight is not sent again: the rows come again, into another table."""
    warehouse.loaded(KEYED, bill("old"))
    with proxy.before(warehouse.admin.url, {at: action}) as between:
        run = warehouse.start(KEYED, bill("half"), STATE, host=between.url, **OVERWRITE)
        between.client = run.pid
        done = run.done()
    assert done.code == -signal.SIGKILL
    assert done.output == b""
    assert warehouse.rows('"ID"') == [[remains]]
    assert len(tables_aside(warehouse)) == 1
    warehouse.loaded(KEYED, bill("next"), STATE, **OVERWRITE)
    assert warehouse.rows('"ID"') == [["next"]]
    assert tables_aside(warehouse) == []
    assert ledger(warehouse, "STATUS").count(["superseded"]) == 1


def test_what_an_upsert_finds_of_a_broken_overwrite(warehouse: Warehouse) -> None:
    """Its batches are for no table that will ever be looked at."""
    with proxy.before(warehouse.admin.url, {0: "kill before"}) as between:
        run = warehouse.start(KEYED, bill("half"), host=between.url, **OVERWRITE)
        between.client = run.pid
        run.done()
    warehouse.loaded(KEYED, bill("next"))
    assert warehouse.rows('"ID"') == [["next"]]


def test_an_empty_reading_removes_nothing(warehouse: Warehouse) -> None:
    warehouse.loaded(KEYED, bill("old"))
    run = warehouse.loaded(KEYED, OTHER, STATE, **OVERWRITE)
    assert "Stream bill: no record has come; a table that is there keeps its" in run.log
    assert run.states == [STATE["value"]]
    assert warehouse.rows('"ID"') == [["old"]]
    assert warehouse.rows('"ID"', "VENDOR") == []
    assert tables_aside(warehouse) == []


@pytest.mark.parametrize(
    ("bookmark", "warns"),
    [
        ({"replication_key": "at", "replication_key_value": 7}, True),
        ({"note": "2026-01-01"}, True),
        ({}, False),
        ({"version": 1, "replication_key_value": None}, False),
    ],
)
def test_increments_are_warned_of(
    warehouse: Warehouse, bookmark: dict[str, Any], *, warns: bool
) -> None:
    state = {"type": "STATE", "value": {"bookmarks": {"bill": bookmark}}}
    renamed = {"stream_maps": {"bill": {"__alias__": "invoice"}}}
    run = warehouse.loaded(KEYED, bill("a"), state, **OVERWRITE, **renamed)
    assert ("leaves only what was sent" in run.log) is warns


def test_overwritten_batches_are_not_replayed(warehouse: Warehouse) -> None:
    warehouse.loaded(KEYED, bill("a", "1"))
    warehouse.loaded(KEYED, bill("b", "2"), STATE, **OVERWRITE)
    _, log = warehouse.operate("replay", "--status", "loaded", code=1)
    assert "batches are of load_method overwrite" in log
    assert warehouse.rows('"ID"') == [["b"]]


def test_a_replay_brings_nothing_back_that_was_overwritten(
    warehouse: Warehouse,
) -> None:
    warehouse.loaded(KEYED, bill("a", "1"))
    (request_id,) = warehouse.rows('"_SDC_REQUEST_ID"')[0]
    warehouse.loaded(KEYED, bill("b", "2"), STATE, **OVERWRITE)
    warehouse.operate("replay", "--status", "loaded", "--request-id", request_id)
    assert warehouse.rows('"ID"') == [["b"]]


def test_a_bad_value_is_found_in_the_new_table(warehouse: Warehouse) -> None:
    """The diagnosis reads the columns of the table that is filled."""
    warehouse.loaded(KEYED, bill("a"))
    changed = {"properties": {"id": {"type": "string"}, "doc": {"type": "object"}}}
    record = {"type": "RECORD", "stream": "bill", "record": {"id": "b", "doc": {}}}
    warehouse.admin.fault("error", contains="MERGE INTO", code="100038")
    run = warehouse.load({**KEYED, "schema": changed}, record, STATE, **OVERWRITE)
    assert "could not be found out" not in run.log
    assert run.code == 1


def test_two_streams_do_not_fill_one_table(warehouse: Warehouse) -> None:
    other = {**KEYED, "stream": "BILL"}
    refusal = warehouse.load(KEYED, other, STATE, **OVERWRITE).refusal()
    table = f'"FINANCE"."{warehouse.schema}"."BILL"'
    assert f"Streams bill and BILL both belong into table {table}" in refusal


def test_which_tables_are_remnants() -> None:
    living, ended, young = (time_ordered_id() for _ in range(3))
    old = str(uuid.UUID(int=(0x17 << 116) | (7 << 76) | (2 << 62)))
    names = {
        run: replacement_table.name(run, "BILL") for run in (living, ended, young, old)
    }
    tables = [*names.values(), "_SDC_NEW_YEAR", "BILL"]
    begun = int(young.replace("-", "")[:12], 16) / 1000
    found = list(replacement_table.remnants(tables, {living}, {ended}, begun))
    assert found == [names[ended], names[old]]
    week = replacement_table.LONGEST_RUN.total_seconds()
    found = list(
        replacement_table.remnants(tables, {living}, {ended}, begun + week + 1)
    )
    assert found == [names[ended], names[young], names[old]]


def test_names_aside_fit() -> None:
    run_id = time_ordered_id()
    long = replacement_table.name(run_id, "X" * 255)
    assert len(long) == 255
    assert long == replacement_table.name(run_id, "X" * 255)
    assert list(replacement_table.remnants([long], (), {run_id}, 0)) == [long]
    assert replacement_table.name(run_id, "BILL") == f"_SDC_NEW_{run_id.upper()}_BILL"


def test_tables_with_long_names_are_not_mixed(warehouse: Warehouse) -> None:
    """Their names aside differed only behind the 255 characters that fit."""
    streams = [f"{'s' * 215}{number}" for number in "12"]
    warehouse.loaded(
        *({**KEYED, "stream": name} for name in streams),
        *({**bill("1", name), "stream": name} for name in streams),
        STATE,
        **OVERWRITE,
    )
    for name in streams:
        assert warehouse.rows("NOTE", name.upper()) == [[name]]
