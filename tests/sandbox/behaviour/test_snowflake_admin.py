"""The control endpoints, the command line and what survives a restart."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING

import pytest
import requests
from sandbox.snowflake.control.admin_client import SnowflakeAdmin

from sandbox import config, processes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sandbox.conftest import SnowflakeClient


def test_requests_are_logged(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake_admin.forget()
    request_id = str(uuid.uuid4())
    query = {"requestId": request_id, "retry": "true"}
    parameters = {"query_tag": "tests"}
    answer = snowflake.post("SELECT ?", "äb", query=query, parameters=parameters)
    handle = answer.json()["statementHandle"]
    snowflake.get(handle)
    snowflake.post("SELEC")
    post, get, bad = snowflake_admin.requests()
    assert post.query == {"requestId": request_id, "retry": "true"}
    assert (post.method, post.statement, post.query_tag) == (
        "POST",
        "SELECT ?",
        "tests",
    )
    assert (post.bind_bytes, post.status, post.handle) == (3, 200, handle)
    assert (get.method, get.path) == ("GET", f"/api/v2/statements/{handle}")
    assert bad.status == 422


@pytest.mark.parametrize("status", [408, 413, 429, 500, 502, 503, 504])
def test_a_status_on_order(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin, status: int
) -> None:
    snowflake.run("CREATE TABLE t (a INT)")
    snowflake_admin.fault("status", status=status, times=2, retry_after="7")
    for _ in range(2):
        answer = snowflake.post("INSERT INTO t VALUES (1)")
        assert answer.status_code == status
        assert answer.headers["Retry-After"] == "7"
    assert snowflake.value("COUNT(*) FROM t") == "0"


def test_throttling_has_its_code(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake_admin.fault("status", status=429)
    answer = snowflake.post("SELECT 1")
    assert answer.json()["code"] == "390505"
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize(("executes", "rows"), [(False, "0"), (True, "1")])
@pytest.mark.parametrize("kind", ["drop", "status"])
def test_failures_before_and_after_executing(
    snowflake: SnowflakeClient,
    snowflake_admin: SnowflakeAdmin,
    kind: str,
    rows: str,
    *,
    executes: bool,
) -> None:
    snowflake.run("CREATE TABLE t (a INT)")
    snowflake_admin.fault(kind, executes=executes, contains="INSERT")
    assert snowflake.value("1") == "1"
    query = {"requestId": str(uuid.uuid4())}
    if kind == "drop":
        with pytest.raises(requests.ConnectionError):
            snowflake.post("INSERT INTO t VALUES (1)", query=query)
        assert snowflake_admin.requests()[-1].status == 0
    else:
        answer = snowflake.post("INSERT INTO t VALUES (1)", query=query)
        assert answer.status_code == 503
    assert snowflake.value("COUNT(*) FROM t") == rows
    snowflake.post("INSERT INTO t VALUES (1)", query={**query, "retry": "true"})
    assert snowflake.value("COUNT(*) FROM t") == "1"


def test_lock_waiters_on_order(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake_admin.fault("error", code="000625", sql_state="57014")
    assert snowflake.error("SELECT 1") == ("000625", "57014")


def test_asynchronous_on_order_and_a_poll_that_is_lost(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake_admin.fault("async")
    snowflake_admin.fault("drop", method="GET")
    snowflake_admin.fault("async", method="GET")
    answer = snowflake.post("SELECT 9")
    assert answer.status_code == 202
    handle = answer.json()["statementHandle"]
    with pytest.raises(requests.ConnectionError):
        snowflake.get(handle)
    assert snowflake.get(handle).status_code == 202
    while (polled := snowflake.get(handle)).status_code == 202:
        time.sleep(0.02)
    assert polled.json()["data"] == [["9"]]


def test_an_unknown_fault_is_refused(snowflake_admin: SnowflakeAdmin) -> None:
    with pytest.raises(processes.SandboxError, match="earthquake"):
        snowflake_admin.fault("earthquake")


@pytest.mark.parametrize(
    ("revoked", "statement", "code"),
    [
        (("WRITE", "{schema}.T"), "INSERT INTO t VALUES (1)", "003001"),
        (("WRITE", "{schema}.T"), "TRUNCATE TABLE t", "003001"),
        (("WRITE", "{schema}.T"), "DELETE FROM t", "003001"),
        (
            ("WRITE", "{schema}.T"),
            "MERGE INTO t USING t AS s ON t.a = s.a WHEN MATCHED THEN DELETE",
            "003001",
        ),
        (("OWNERSHIP", "{schema}.T"), "ALTER TABLE t ADD COLUMN b INT", "003001"),
        (("OWNERSHIP", "{schema}.T"), "DROP TABLE t", "003001"),
        (
            ("OWNERSHIP", "{schema}.T"),
            "CREATE OR REPLACE TABLE t CLONE t COPY GRANTS",
            "003001",
        ),
        (("SELECT", "{schema}.T"), "SELECT * FROM t", "002003"),
        (("USAGE", "{schema}"), "SELECT * FROM t", "002003"),
        (("CREATE", "{schema}"), "CREATE TABLE u (a INT)", "003001"),
        (("CREATE", "FINANCE"), "CREATE SCHEMA nope", "003001"),
        (("USAGE", "LOADING"), "SELECT 1", "002003"),
        (
            ("MONITOR", config.ACCOUNT),
            "SELECT SYSTEM$GET_LOGIN_FAILURE_DETAILS('x')",
            "003001",
        ),
    ],
)
def test_revoked_privileges(
    snowflake: SnowflakeClient,
    snowflake_admin: SnowflakeAdmin,
    revoked: tuple[str, str],
    statement: str,
    code: str,
) -> None:
    privilege, on = revoked
    snowflake.run("CREATE TABLE t (a INT)")
    name = on.format(schema=f"FINANCE.{snowflake.context['schema']}")
    snowflake_admin.revoke(privilege, name)
    try:
        assert snowflake.error(statement)[0] == code
    finally:
        snowflake_admin.grant(privilege, name)
    assert snowflake.post(statement).status_code == 200
    snowflake.post("DROP SCHEMA IF EXISTS nope")


def test_a_table_may_be_read_though_not_written(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake.run("CREATE TABLE t (a INT)")
    name = f"FINANCE.{snowflake.context['schema']}.T"
    snowflake_admin.revoke("WRITE", name)
    try:
        assert snowflake.rows("SELECT * FROM t") == []
        answer = snowflake.post("INSERT INTO t VALUES (1)")
        assert answer.json()["sqlState"] == "42501"
        assert "Insufficient privileges to operate on table 'T'" in answer.text
    finally:
        snowflake_admin.grant("WRITE", name)


def test_people_get_typed_values(snowflake_admin: SnowflakeAdmin) -> None:
    columns, rows = snowflake_admin.sql(
        "SELECT 1 AS a, 1.50 AS b, 'x' AS c, TRUE AS d, NULL AS e, 1e0 AS f, "
        "'2024-01-01'::DATE AS g, '2024-01-01 10:00:00'::TIMESTAMP_NTZ AS h, "
        "PARSE_JSON('{\"i\": [0.10]}') AS i, '9999-12-31T00:00:00Z'::TIMESTAMP_TZ AS j"
    )
    assert columns == list("ABCDEFGHIJ")
    assert rows == [
        [
            1,
            "1.50",
            "x",
            True,
            None,
            1.0,
            "2024-01-01",
            "2024-01-01 10:00:00.000000",
            {"i": [0.1]},
            "9999-12-31 00:00:00.000000Z",
        ]
    ]


def test_people_are_told_what_is_wrong(snowflake_admin: SnowflakeAdmin) -> None:
    with pytest.raises(processes.SandboxError, match="002003"):
        snowflake_admin.sql("SELECT * FROM nope")


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "sandbox.cli", "sql", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_prints_a_table(snowflake: SnowflakeClient) -> None:
    snowflake.run("CREATE TABLE t AS SELECT 'ab' AS name, 12.50 AS amount")
    schema = snowflake.context["schema"]
    options = ("--url", snowflake.url, "--schema", schema)
    shown = command("SELECT * FROM t", *options)
    assert shown.stdout.splitlines() == ["NAME  AMOUNT", "----  ------", "ab     12.50"]
    as_json = command("SELECT *, 1 AS name FROM t", "--json", *options)
    line = {"NAME": "ab", "AMOUNT": "12.50", "NAME_2": 1}
    assert json.loads(as_json.stdout) == line


def test_the_command_says_when_no_server_is_up() -> None:
    outcome = command("SELECT 1", "--url", "http://127.0.0.1:9")
    assert outcome.returncode == 1
    assert "No Snowflake server answers at http://127.0.0.1:9" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_data_and_key_survive_a_restart(tmp_path: Path) -> None:
    with processes.start("snowflake", tmp_path, "--port", "0") as server:
        admin = SnowflakeAdmin(server.url)
        admin.sql("CREATE TABLE t (a NUMBER(38,9), b VARCHAR(3), c VARIANT)")
        admin.sql(
            "INSERT INTO t SELECT 1.5, 'abc', PARSE_JSON('[0.12345678901234567]')"
        )
        keys = admin.keys()
        key = (tmp_path / config.PRIVATE_KEY_FILE).read_bytes()
    with processes.start("snowflake", tmp_path, "--port", "0") as server:
        admin = SnowflakeAdmin(server.url)
        _, rows = admin.sql("SELECT a, b, c[0]::NUMBER(38,17) FROM t")
        assert rows == [["1.500000000", "abc", "0.12345678901234567"]]
        with pytest.raises(processes.SandboxError, match="100078"):
            admin.sql("INSERT INTO t (b) VALUES ('abcd')")
        assert admin.keys() == keys
        assert (tmp_path / config.PRIVATE_KEY_FILE).read_bytes() == key


def test_data_survive_a_kill(tmp_path: Path) -> None:
    server = processes.start("snowflake", tmp_path, "--port", "0")
    SnowflakeAdmin(server.url).sql("CREATE TABLE t AS SELECT 1 AS a")
    server.process.kill()
    server.stop()
    with processes.start("snowflake", tmp_path, "--port", "0") as server:
        assert SnowflakeAdmin(server.url).sql("SELECT a FROM t")[1] == [[1]]
