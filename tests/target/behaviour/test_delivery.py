"""Whatever happens on the way, each record arrives once and no state runs ahead."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization

from sandbox import config

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

pytestmark = pytest.mark.key_pair

SCHEMA = {
    "type": "SCHEMA",
    "stream": "bill",
    "schema": {"properties": {"id": {"type": "integer"}, "name": {"type": "string"}}},
    "key_properties": ["id"],
}
KEYLESS = {**SCHEMA, "key_properties": []}
STATE = {"type": "STATE", "value": {"bookmark": 1.10}}


def bills(*ids: int) -> list[dict[str, Any]]:
    return [
        {"type": "RECORD", "stream": "bill", "record": {"id": n, "name": f"n{n}"}}
        for n in ids
    ]


@pytest.mark.parametrize(
    ("fault", "remembers"),
    [
        ({"kind": "status", "status": 429, "retry_after": "1"}, True),
        ({"kind": "status", "status": 503, "retry_after": "soon"}, True),
        ({"kind": "status", "status": 500, "executes": True}, True),
        ({"kind": "status", "status": 500, "executes": True}, False),
        ({"kind": "drop"}, True),
        ({"kind": "drop", "executes": True}, True),
        ({"kind": "drop", "executes": True}, False),
    ],
    ids=str,
)
def test_a_resend_loads_once(
    warehouse: Warehouse, fault: dict[str, Any], *, remembers: bool
) -> None:
    """airflow#69477: a connection lost after the submission ran the statement twice."""
    warehouse.admin.configure(remember_requests=remembers)
    warehouse.admin.fault(contains="MERGE", **fault)

    run = warehouse.loaded(KEYLESS, *bills(1, 2), STATE)

    assert run.states == [{"bookmark": 1.1}]
    assert warehouse.rows('"ID"') == [["1"], ["2"]]
    first, second = warehouse.merges()
    assert first.query["requestId"] == second.query["requestId"]
    assert "retry" not in first.query
    assert second.query["retry"] == "true"
    assert f"(request {first.query['requestId']}); sending it again" in run.log


def test_the_query_tag_leads_to_the_load(warehouse: Warehouse) -> None:
    run = warehouse.loaded(SCHEMA, *bills(1))

    (merge,) = warehouse.merges()
    tag = json.loads(merge.query_tag)
    assert tag["plugin"].startswith("target-snowflake-merge/")
    assert tag["stream"] == "bill"
    assert tag["request_id"] == merge.query["requestId"]
    assert f"(request {tag['request_id']}, statement {merge.handle}" in run.log
    assert warehouse.rows('"_SDC_REQUEST_ID"') == [[tag["request_id"]]]


def test_any_name_of_a_stream_fits_into_the_query_tag(warehouse: Warehouse) -> None:
    name = "😀" * 255
    bill = {**bills(1)[0], "stream": name}
    warehouse.loaded({**SCHEMA, "stream": name}, bill)
    (merge,) = warehouse.merges()
    assert json.loads(merge.query_tag)["stream"] == name


def test_a_statement_that_runs_on_is_polled(warehouse: Warehouse) -> None:
    """airflow#46648, #50514: 202 was a success, a lost poll the end."""
    warehouse.admin.fault("async", contains="MERGE")
    warehouse.admin.fault("async", method="GET", times=2)
    warehouse.admin.fault("drop", method="GET")
    warehouse.admin.fault("status", method="GET", status=502)

    run = warehouse.loaded(SCHEMA, *bills(1, 2), STATE)

    (merge,) = warehouse.merges()
    polls = [sent for sent in warehouse.admin.requests() if sent.method == "GET"]
    assert {poll.path.rpartition("/")[2] for poll in polls} == {merge.handle}
    assert [poll.status for poll in polls] == [202, 202, 0, 502, 200]
    assert "Loaded 2 rows of bill: 2 inserted" in run.log


def test_a_polled_statement_may_fail(warehouse: Warehouse) -> None:
    """airflow#46648: 202 was taken for success."""
    warehouse.loaded(SCHEMA)
    warehouse.admin.revoke("WRITE", f"FINANCE.{warehouse.schema}.BILL")
    warehouse.admin.fault("async", contains="MERGE")
    warehouse.admin.fault("async", method="GET")

    run = warehouse.load(SCHEMA, *bills(1), STATE)

    assert "003001" in run.refusal()


def test_results_come_in_partitions(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, *bills(1))
    warehouse.admin.configure(partition_rows=2)

    run = warehouse.loaded(SCHEMA, *bills(1))

    assert "0 inserted, 1 updated" in run.log
    partitions = [r for r in warehouse.admin.requests() if "partition" in r.query]
    assert len(partitions) >= 2


def test_a_batch_that_is_too_large_is_halved(warehouse: Warehouse) -> None:
    warehouse.admin.fault("status", status=413, contains="MERGE", times=2)

    warehouse.loaded(KEYLESS, *bills(1, 2, 3, 4))

    assert len(warehouse.rows('"ID"')) == 4
    merges = warehouse.merges()
    assert [merge.status for merge in merges] == [413, 413, 200, 200, 200]
    assert len({merge.query["requestId"] for merge in merges}) == 5


def test_rows_of_the_ledger_that_are_too_large_are_halved(
    warehouse: Warehouse,
) -> None:
    refused = {"status": 413, "contains": '"_SDC_LOADS" AS t', "times": 1}
    warehouse.admin.fault("status", **refused)

    warehouse.loaded(SCHEMA, *bills(1, 2, 3), batch_size_rows=1)

    assert len(warehouse.rows("REQUEST_ID", "_SDC_LOADS")) == 3
    ledgers = [r for r in warehouse.admin.requests() if "_SDC_LOADS" in r.statement]
    merges = [r.status for r in ledgers if r.statement.startswith("MERGE")]
    assert merges == [413, 200, 200]


def test_a_record_that_is_too_large_is_named(warehouse: Warehouse) -> None:
    warehouse.admin.fault("status", status=413, contains="MERGE", times=9)

    run = warehouse.load(SCHEMA, *bills(1), STATE)

    assert "Stream bill: a single record of" in run.refusal()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "code": "100038", "message": "Numeric value is bad"},
        {"kind": "status", "status": 408, "message": "Statement timed out"},
    ],
)
def test_no_state_after_a_failure(warehouse: Warehouse, fault: dict[str, Any]) -> None:
    warehouse.admin.fault(contains="MERGE", **fault)

    run = warehouse.load(SCHEMA, *bills(1, 2), STATE, *bills(3), batch_size_rows=2)

    refusal = run.refusal()
    assert fault["message"] in refusal
    assert f'table "FINANCE"."{warehouse.schema}"."BILL"' in refusal
    assert len(warehouse.merges()) == 1


def test_no_state_when_one_of_several_streams_fails(warehouse: Warehouse) -> None:
    """pipelinewise#286: a state went out before another stream's rows were durable."""
    others = [{**message, "stream": "payment"} for message in [SCHEMA, *bills(1)]]
    warehouse.admin.fault("error", contains='"PAYMENT" AS t', code="100038")

    run = warehouse.load(SCHEMA, *bills(1), *others, STATE)

    assert "Stream payment" in run.refusal()
    rerun = warehouse.loaded(SCHEMA, *bills(1), *others, STATE)
    assert rerun.states == [{"bookmark": 1.1}]
    assert len(warehouse.rows('"ID"')) == len(warehouse.rows('"ID"', "PAYMENT")) == 1


@pytest.mark.parametrize(
    ("messages", "states"),
    [
        ([], []),
        ([{"type": "STATE", "value": {}}], []),
        ([STATE, {"type": "STATE", "value": {}}], [{"bookmark": 1.1}]),
        ([SCHEMA, STATE, STATE], [{"bookmark": 1.1}]),
        ([{"type": "STATE", "value": "any JSON"}], ["any JSON"]),
    ],
)
def test_states_without_records(
    warehouse: Warehouse, messages: list[Any], states: list[Any]
) -> None:
    """pipelinewise#238, #41, sdk#3000: states alone, none at all, empty ones."""
    assert warehouse.loaded(*messages).states == states


def test_an_access_token_signs_in(warehouse: Warehouse) -> None:
    warehouse.loaded(
        SCHEMA,
        *bills(1),
        private_key_path=None,
        user=None,
        programmatic_access_token=config.PROGRAMMATIC_ACCESS_TOKEN,
    )

    assert len(warehouse.rows('"ID"')) == 1


def test_an_encrypted_key_from_the_environment(warehouse: Warehouse) -> None:
    key = serialization.load_pem_private_key(warehouse.key.read_bytes(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"open sesame"),
    ).decode()
    given = warehouse.settings(
        private_key=encrypted.replace("\n", "\\n"),
        private_key_passphrase="open sesame",
        private_key_path="",
        programmatic_access_token="",
        batch_size_rows="",
    )
    variables = {f"TARGET_SNOWFLAKE_MERGE_{n.upper()}": v for n, v in given.items()}
    lines = "\n".join(json.dumps(message) for message in [SCHEMA, *bills(1)])

    run = warehouse.run_installed(lines, "--config", "ENV", **variables)

    assert run.code == 0, run.log
    assert "open sesame" not in run.log
    assert "PRIVATE KEY" not in run.log
    assert len(warehouse.rows('"ID"')) == 1


def test_a_token_that_is_refused_once_is_signed_anew(warehouse: Warehouse) -> None:
    """rb-snowflake-client#188: a refused token stayed in use."""
    warehouse.admin.fault("status", status=401, contains="MERGE", message="JWT expired")

    warehouse.loaded(SCHEMA, *bills(1))

    first, second = warehouse.merges()
    assert first.query["requestId"] == second.query["requestId"]
    assert second.query["retry"] == "true"
