"""The SQL API's requests and answers."""

from __future__ import annotations

import gzip
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import config

if TYPE_CHECKING:
    from sandbox.snowflake.control.admin_client import SnowflakeAdmin

    from tests.sandbox.conftest import SnowflakeClient


def test_a_result_has_metadata_rows_and_a_handle(snowflake: SnowflakeClient) -> None:
    request_id = str(uuid.uuid4())
    answer = snowflake.post(
        "SELECT 1.50 AS a, 'x' AS b", query={"requestId": request_id}
    ).json()

    meta = answer["resultSetMetaData"]
    assert (meta["numRows"], meta["format"]) == (1, "jsonv2")
    assert [(c["name"], c["type"], c["scale"]) for c in meta["rowType"]] == [
        ("A", "fixed", 2),
        ("B", "text", None),
    ]
    assert meta["partitionInfo"][0]["rowCount"] == 1
    assert answer["data"] == [["1.50", "x"]]
    assert (answer["code"], answer["sqlState"]) == ("090001", "00000")
    assert answer["requestId"] == request_id
    handle = answer["statementHandle"]
    assert answer["statementStatusUrl"].startswith(f"/api/v2/statements/{handle}")
    assert abs(answer["createdOn"] / 1000 - time.time()) < 60
    assert "stats" not in answer


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("NULL", None),
        ("TRUE", "true"),
        ("9" * 38, "9" * 38),
        ("0.000000001::NUMBER(38,9)", "0.000000001"),
        ("1e0", "1.0"),
        ("'2024-03-01'::DATE", "19783"),
        ("'1969-12-31'::DATE", "-1"),
        ("'9999-12-31'::DATE", "2932896"),
        ("'23:59:59.5'::TIME", "86399.500000000"),
        ("'2024-03-01 10:00:00.123456'::TIMESTAMP_NTZ", "1709287200.123456000"),
        ("'1969-12-31 23:59:59'::TIMESTAMP_NTZ", "-1.000000000"),
        ("'2024-03-01T10:00:00+02:00'::TIMESTAMP_TZ", "1709280000.000000000 1560"),
        ("TO_BINARY('ff00', 'HEX')", "FF00"),
        ('PARSE_JSON(\'{"b": [1, null, "é"]}\')', '{"b":[1,null,"é"]}'),
    ],
)
def test_values_are_strings_in_the_documented_encoding(
    snowflake: SnowflakeClient, expression: str, expected: str | None
) -> None:
    assert snowflake.value(expression) == expected


def test_nullable_false_spells_null(snowflake: SnowflakeClient) -> None:
    answer = snowflake.post("SELECT NULL", query={"nullable": "false"})
    assert answer.json()["data"] == [["null"]]


def test_later_partitions_are_compressed(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake_admin.configure(partition_rows=4)
    numbers = json.dumps(list(range(10)))
    statement = (
        "SELECT value::INT AS n FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) ORDER BY 1"
    )
    answer = snowflake.run(statement, numbers)
    counts = [p["rowCount"] for p in answer["resultSetMetaData"]["partitionInfo"]]
    assert counts == [4, 4, 2]
    assert answer["data"] == [["0"], ["1"], ["2"], ["3"]]

    address = f"{snowflake.url}/api/v2/statements/{answer['statementHandle']}"
    with requests.get(
        address,
        params={"partition": 2},
        headers=snowflake.headers(**{"Accept-Encoding": "identity"}),
        stream=True,
        timeout=60,
    ) as part:
        assert part.headers["Content-Encoding"] == "gzip"
        assert json.loads(gzip.decompress(part.raw.read())) == {"data": [["8"], ["9"]]}
    assert snowflake.get(answer["statementHandle"], partition=3).status_code == 400


@pytest.mark.parametrize("missing", ["Authorization", "User-Agent", "Accept"])
def test_required_headers(snowflake: SnowflakeClient, missing: str) -> None:
    # None would let requests put in its own value.
    headers = snowflake.headers(**{missing: ""})
    answer = snowflake.post("SELECT 1", headers=headers)
    assert answer.status_code == (401 if missing == "Authorization" else 400)


def test_the_body_is_declared_as_json(snowflake: SnowflakeClient) -> None:
    headers = snowflake.headers(**{"Content-Type": "text/plain"})
    assert snowflake.post("SELECT 1", headers=headers).status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        {"statement": None},
        {"parameters": {"quoted_identifiers_ignore_case": "true"}},
        {"bindings": {"1": {"type": "VARIANT", "value": "1"}}},
        {"bindings": {"1": {"type": "TEXT", "value": 1}}},
        {"bindings": {"first": {"type": "TEXT", "value": "1"}}},
        {"timeout": -1},
    ],
)
def test_malformed_requests(snowflake: SnowflakeClient, body: dict[str, Any]) -> None:
    statement = body.pop("statement", "SELECT 1")
    answer = snowflake.post(statement, **body)
    assert (answer.status_code, answer.json()["code"]) == (400, "390142")


def test_request_id_is_a_uuid(snowflake: SnowflakeClient) -> None:
    answer = snowflake.post("SELECT 1", query={"requestId": "first"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("FIXED", "12345678901234567890", "12345678901234567890"),
        ("REAL", "1.5", "1.5"),
        ("TEXT", 'it\'s \\ \n "x" é 😀', 'it\'s \\ \n "x" é 😀'),
        ("TEXT", None, None),
        ("BOOLEAN", "true", "true"),
        ("DATE", "1709251200000", "19783"),
        ("TIMESTAMP_NTZ", "1709287200123456000", "1709287200.123456000"),
        ("TIMESTAMP_TZ", "1709287200000000000 1560", "1709287200.000000000 1560"),
    ],
)
def test_binds_by_type(
    snowflake: SnowflakeClient, kind: str, value: str | None, shown: str | None
) -> None:
    bindings = {"1": {"type": kind, "value": value}}
    assert snowflake.rows("SELECT ?", bindings=bindings) == [[shown]]


def test_fixed_binds_are_integers(snowflake: SnowflakeClient) -> None:
    bindings = {"1": {"type": "FIXED", "value": "1.5"}}
    assert snowflake.post("SELECT ?", bindings=bindings).status_code == 422


def test_binds_keep_their_place_in_a_statement_that_is_rearranged(
    snowflake: SnowflakeClient,
) -> None:
    statement = 'SELECT ?::VARCHAR || \'?\' /* ? */, :3, "?" FROM (SELECT ? AS "?")'
    assert snowflake.rows(statement, "a", "b", "c") == [["a?", "c", "b"]]


def test_a_missing_bind_is_named(snowflake: SnowflakeClient) -> None:
    assert snowflake.error("SELECT ?, ?", "a")[0] == "002049"


def test_async_answers_202_and_is_polled(snowflake: SnowflakeClient) -> None:
    answer = snowflake.post("SELECT 7", query={"async": "true"})
    assert (answer.status_code, answer.json()["code"]) == (202, "333334")
    handle = answer.json()["statementHandle"]
    while (polled := snowflake.get(handle)).status_code == 202:
        time.sleep(0.02)
    assert polled.json()["data"] == [["7"]]


def test_a_slow_statement_turns_asynchronous(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake_admin.configure(sync_seconds=0.1)
    snowflake_admin.fault("slow", seconds=2)
    answer = snowflake.post("SELECT 1")
    assert answer.status_code == 202
    handle = answer.json()["statementHandle"]
    assert snowflake.get(handle).json()["code"] == "333334"
    while (polled := snowflake.get(handle)).status_code == 202:
        time.sleep(0.02)
    assert polled.json()["code"] == "090001"


def test_a_timeout_cancels_the_statement(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake.run("CREATE TABLE t (a INT)")
    snowflake_admin.fault("slow", seconds=30)
    answer = snowflake.post("INSERT INTO t VALUES (1)", timeout=1)
    assert (answer.status_code, answer.json()["code"]) == (408, "000630")
    assert snowflake.value("COUNT(*) FROM t") == "0"


def test_cancel_stops_what_runs(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake.run("CREATE TABLE t (a INT)")
    snowflake_admin.fault("slow", seconds=30)
    answer = snowflake.post("INSERT INTO t VALUES (1)", query={"async": "true"})
    handle = answer.json()["statementHandle"]
    assert snowflake.cancel(handle).status_code == 200
    while (polled := snowflake.get(handle)).status_code == 202:
        time.sleep(0.02)
    assert (polled.status_code, polled.json()["code"]) == (422, "000604")
    assert snowflake.value("COUNT(*) FROM t") == "0"


def test_cancel_interrupts_the_engine(snowflake: SnowflakeClient) -> None:
    endless = "SELECT COUNT(*) FROM TABLE(GENERATOR(ROWCOUNT => 1000000)) a, "
    endless += "TABLE(GENERATOR(ROWCOUNT => 10000000)) b WHERE RANDOM() > 2"
    answer = snowflake.post(endless, query={"async": "true"})
    handle = answer.json()["statementHandle"]
    time.sleep(0.5)
    assert snowflake.get(handle).status_code == 202
    snowflake.cancel(handle)
    while (polled := snowflake.get(handle)).status_code == 202:
        time.sleep(0.05)
    assert polled.json()["code"] == "000604"


def test_an_unknown_handle(snowflake: SnowflakeClient) -> None:
    assert snowflake.get(str(uuid.uuid4())).status_code == 404


def test_a_retried_request_id_is_not_run_again(snowflake: SnowflakeClient) -> None:
    snowflake.run("CREATE TABLE t (a INT)")
    query = {"requestId": str(uuid.uuid4())}
    first = snowflake.post("INSERT INTO t VALUES (1)", query=query).json()
    again = snowflake.post("INSERT INTO t VALUES (1)", query={**query, "retry": "true"})
    assert again.json()["statementHandle"] == first["statementHandle"]
    assert again.json()["stats"] == first["stats"]
    assert snowflake.value("COUNT(*) FROM t") == "1"


def test_a_repeated_request_id_without_retry_runs(snowflake: SnowflakeClient) -> None:
    snowflake.run("CREATE TABLE t (a INT)")
    query = {"requestId": str(uuid.uuid4())}
    for _ in range(2):
        snowflake.post("INSERT INTO t VALUES (1)", query=query)
    assert snowflake.value("COUNT(*) FROM t") == "2"


def test_a_failed_request_runs_again(snowflake: SnowflakeClient) -> None:
    query = {"requestId": str(uuid.uuid4()), "retry": "true"}
    assert snowflake.post("SELECT COUNT(*) FROM t", query=query).status_code == 422
    snowflake.run("CREATE TABLE t (a INT)")
    assert snowflake.post("SELECT COUNT(*) FROM t", query=query).status_code == 200


def test_the_server_can_forget_request_ids(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake.run("CREATE TABLE t (a INT)")
    snowflake_admin.configure(remember_requests=False)
    query = {"requestId": str(uuid.uuid4()), "retry": "true"}
    for _ in range(2):
        snowflake.post("INSERT INTO t VALUES (1)", query=query)
    assert snowflake.value("COUNT(*) FROM t") == "2"


def test_a_statement_above_a_megabyte_is_not_matched_on_retry(
    snowflake: SnowflakeClient,
) -> None:
    snowflake.run("CREATE TABLE t (a VARCHAR)")
    query = {"requestId": str(uuid.uuid4()), "retry": "true"}
    for _ in range(2):
        snowflake.post("INSERT INTO t SELECT ?", "x" * 1_000_001, query=query)
    assert snowflake.value("COUNT(*) FROM t") == "2"


def test_several_statements_have_to_be_announced(snowflake: SnowflakeClient) -> None:
    statements = "CREATE TABLE t (a INT); INSERT INTO t VALUES (1); SELECT a FROM t;"
    assert snowflake.error(statements) == ("000008", "0A000")
    answer = snowflake.run(statements, parameters={"MULTI_STATEMENT_COUNT": "3"})
    assert answer["data"] == [["Multiple statements executed successfully."]]
    last = snowflake.get(answer["statementHandles"][2]).json()
    assert last["data"] == [["1"]]


def test_several_statements_take_no_binds(snowflake: SnowflakeClient) -> None:
    parameters = {"multi_statement_count": "0"}
    code, state = snowflake.error("SELECT ?; SELECT 1", "x", parameters=parameters)
    assert (code, state) == ("000002", "0A000")


def test_a_transaction_lives_inside_one_request(snowflake: SnowflakeClient) -> None:
    snowflake.run("CREATE TABLE t (a INT)")
    undone = (
        "BEGIN; INSERT INTO t VALUES (1); ROLLBACK; BEGIN; INSERT INTO t VALUES (2)"
    )
    snowflake.run(undone, parameters={"multi_statement_count": "0"})
    assert snowflake.value("COUNT(*) FROM t") == "0"
    kept = "BEGIN; INSERT INTO t VALUES (3); COMMIT"
    snowflake.run(kept, parameters={"multi_statement_count": "3"})
    assert snowflake.rows("SELECT a FROM t") == [["3"]]


def test_without_autocommit_only_definitions_outlive_their_request(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    """sql-reference/transactions: DML begins one, the end of a session undoes it."""
    several = {"parameters": {"multi_statement_count": "0"}}
    shown = "SHOW PARAMETERS LIKE 'autocommit'"
    assert snowflake.rows(shown)[0][:4] == ["AUTOCOMMIT", "true", "true", ""]
    snowflake_admin.configure(account={"AUTOCOMMIT": "false"})
    assert snowflake.rows(shown)[0][:4] == ["AUTOCOMMIT", "false", "true", "ACCOUNT"]

    snowflake.run("CREATE TABLE t AS SELECT 1 AS a")
    assert snowflake.run("INSERT INTO t VALUES (2)")["stats"]["numRowsInserted"] == 1
    snowflake.run(
        "MERGE INTO t USING (SELECT 3 AS a) s ON t.a = s.a "
        "WHEN NOT MATCHED THEN INSERT (a) VALUES (s.a)"
    )
    snowflake.run("DELETE FROM t")
    assert snowflake.rows("SELECT a FROM t") == [["1"]]
    seen = snowflake.run("INSERT INTO t VALUES (4); SELECT COUNT(*) FROM t", **several)
    assert snowflake.get(seen["statementHandles"][1]).json()["data"] == [["2"]]
    assert snowflake.rows("SELECT a FROM t") == [["1"]]
    snowflake.run("INSERT INTO t VALUES (5); COMMIT", **several)
    snowflake.run("INSERT INTO t VALUES (6); CREATE TABLE u AS SELECT 1 x", **several)
    snowflake.run("INSERT INTO t VALUES (7); ALTER SESSION UNSET AUTOCOMMIT", **several)
    on = "ALTER SESSION SET AUTOCOMMIT = TRUE; INSERT INTO t VALUES (8)"
    snowflake.run(on, **several)
    kept = [["1"], ["5"], ["6"], ["7"], ["8"]]
    assert snowflake.rows("SELECT a FROM t ORDER BY a") == kept


def test_a_current_schema_does_not_outlive_its_request(
    snowflake: SnowflakeClient,
) -> None:
    schema = snowflake.context["schema"]
    other = {"schema": "PUBLIC", "parameters": {"multi_statement_count": "2"}}
    snowflake.run(f"USE SCHEMA {schema}; CREATE TEMPORARY TABLE x AS SELECT 1", **other)
    assert snowflake.error("SELECT * FROM x") == ("002003", "02000")
    [[current]] = snowflake.rows("SELECT CURRENT_SCHEMA()", schema="PUBLIC")
    assert current == "PUBLIC"


@pytest.mark.parametrize(
    ("context", "status", "code"),
    [
        ({"database": "NOPE"}, 422, "002003"),
        ({"database": "finance"}, 422, "002003"),
        ({"schema": "NOPE"}, 422, "002003"),
        ({"schema": "public"}, 422, "002003"),
        ({"warehouse": "NOPE"}, 422, "002003"),
        ({"role": "loader"}, 403, "390189"),
    ],
)
def test_the_context_is_checked_case_sensitively(
    snowflake: SnowflakeClient, context: dict[str, Any], status: int, code: str
) -> None:
    answer = snowflake.post("SELECT 1", **context)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_session_functions(snowflake: SnowflakeClient) -> None:
    names = ("ROLE", "WAREHOUSE", "USER", "DATABASE", "SCHEMA", "ACCOUNT")
    columns = ", ".join(f"CURRENT_{name}()" for name in names)
    assert snowflake.rows(f"SELECT {columns}") == [
        [
            config.ROLE,
            config.WAREHOUSE,
            config.USER,
            config.DATABASE,
            snowflake.context["schema"],
            config.ACCOUNT,
        ]
    ]


def test_the_time_zone_parameter_places_local_times(snowflake: SnowflakeClient) -> None:
    statement = "SELECT '2024-07-01 00:00:00'::TIMESTAMP_TZ"
    seconds = {
        zone: snowflake.rows(statement, parameters={"timezone": zone})[0][0]
        for zone in ("UTC", "Europe/Berlin")
    }
    assert seconds["UTC"].startswith("1719792000.")
    assert seconds["Europe/Berlin"].startswith("1719784800.")
    assert snowflake.error(statement, parameters={"timezone": "Mars"})[1] == "22023"


def test_the_rows_of_a_result_may_be_limited(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake_admin.configure(account={"ROWS_PER_RESULTSET": "2"})
    statement = "SELECT * FROM VALUES (1), (2), (3)"
    whole = {"parameters": {"rows_per_resultset": "0"}}
    wrong = {"parameters": {"rows_per_resultset": "all"}}
    assert len(snowflake.rows(statement, parameters={})) == 2
    assert len(snowflake.rows(statement, **whole)) == 3
    assert snowflake.error(statement, **wrong)[1] == "22023"


def test_a_query_tag_has_2000_characters_at_most(snowflake: SnowflakeClient) -> None:
    snowflake.run("SELECT 1", parameters={"query_tag": "ä" * 2000})
    too_long = {"query_tag": "x" * 2001}
    assert snowflake.error("SELECT 1", parameters=too_long)[1] == "22023"


@pytest.mark.parametrize("statement", ["PUT file:///a @~", "GET @~ file:///a"])
def test_put_and_get_are_refused(snowflake: SnowflakeClient, statement: str) -> None:
    assert snowflake.error(statement) == ("000002", "0A000")
