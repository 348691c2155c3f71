"""Everything that the SQL API may answer when things go wrong, played on order."""

from __future__ import annotations

import json
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from sandbox.snowflake.control.admin_client import SnowflakeAdmin

    from tests.sandbox.conftest import SnowflakeClient

INSERT = "INSERT INTO t VALUES (1)"
UPDATE = "UPDATE t SET a = a + 1"


@pytest.fixture
def table(snowflake: SnowflakeClient) -> SnowflakeClient:
    snowflake.run("CREATE TABLE t (a INT)")
    return snowflake


def count(client: SnowflakeClient) -> str | None:
    return client.value("COUNT(*) FROM t")


def await_count(client: SnowflakeClient, wanted: str) -> None:
    while count(client) != wanted:
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "390142"),
        (401, "390144"),
        (403, "390422"),
        (408, "000630"),
        (422, "000625"),
        (429, "390505"),
        (500, "000000"),
    ],
)
def test_a_status_has_its_code(
    table: SnowflakeClient, snowflake_admin: SnowflakeAdmin, status: int, code: str
) -> None:
    snowflake_admin.fault("status", status=status)
    answer = table.post(INSERT)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert count(table) == "0"


@pytest.mark.parametrize(("code", "reason"), [("390144", 394304), ("390303", 394400)])
def test_a_refused_sign_in_can_be_explained(
    table: SnowflakeClient, snowflake_admin: SnowflakeAdmin, code: str, reason: int
) -> None:
    snowflake_admin.fault("status", status=401, code=code, reason=reason)
    message = table.post(INSERT).json()["message"]
    name = re.search(r"\[([0-9a-f-]{36})]$", message)
    assert name
    details = table.value(f"SYSTEM$GET_LOGIN_FAILURE_DETAILS('{name[1]}')")
    assert json.loads(details or "")["errorCode"] == reason


@pytest.mark.parametrize("status", [500, 502])
def test_a_gateway_gives_up_on_a_statement_that_runs_on(
    table: SnowflakeClient, snowflake_admin: SnowflakeAdmin, status: int
) -> None:
    snowflake_admin.fault("status", status=status, during=True, seconds=0.3)
    query = {"requestId": str(uuid.uuid4())}
    assert table.post(INSERT, query=query).status_code == status
    assert count(table) == "0"
    again = table.post(INSERT, query={**query, "retry": "true"})
    assert again.json()["stats"]["numRowsInserted"] == 1
    assert count(table) == "1"


def test_a_connection_that_drops_while_the_statement_runs(
    table: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake_admin.fault("drop", during=True, seconds=0.3)
    with pytest.raises(requests.ConnectionError):
        table.post(INSERT)
    assert count(table) == "0"
    await_count(table, "1")


@pytest.mark.parametrize("while_it_runs", [True, False])
def test_a_server_may_run_a_known_request_again(
    table: SnowflakeClient, snowflake_admin: SnowflakeAdmin, *, while_it_runs: bool
) -> None:
    if while_it_runs:
        snowflake_admin.fault("async", seconds=0.3)
    query = {"requestId": str(uuid.uuid4())}
    first = table.post(INSERT, query=query).json()["statementHandle"]
    snowflake_admin.fault("again")
    again = table.post(INSERT, query={**query, "retry": "true"})
    assert again.json()["statementHandle"] != first
    await_count(table, "2")


def test_a_poll_and_a_partition_that_are_lost(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake_admin.configure(partition_rows=1)
    answer = snowflake.run("SELECT * FROM VALUES (1), (2)")
    handle = answer["statementHandle"]
    snowflake_admin.fault("drop", method="GET", partition=True)
    snowflake_admin.fault("status", status=502, method="GET", partition=True)
    assert snowflake.get(handle).status_code == 200
    with pytest.raises(requests.ConnectionError):
        snowflake.get(handle, partition=1)
    assert snowflake.get(handle, partition=1).status_code == 502
    assert snowflake.get(handle, partition=1).json() == {"data": [["2"]]}


def test_stats_may_be_absent(
    table: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake_admin.configure(stats=False)
    answer = table.run(INSERT)
    assert "stats" not in answer
    assert answer["resultSetMetaData"]["rowType"][0]["name"] == (
        "number of rows inserted"
    )


def transaction(client: SnowflakeClient, *statements: str) -> str:
    """Start a transaction that goes on beside us; return its handle."""
    text = "; ".join(["BEGIN", *statements, "COMMIT"])
    answer = client.post(
        text,
        query={"async": "true"},
        parameters={"multi_statement_count": "0"},
    )
    return str(answer.json()["statementHandle"])


def ended(client: SnowflakeClient, handle: str) -> dict[str, Any]:
    while (answer := client.get(handle)).status_code == 202:
        time.sleep(0.02)
    content: dict[str, Any] = answer.json()
    return content


def test_a_table_has_twenty_waiters_and_no_more(table: SnowflakeClient) -> None:
    table.run("INSERT INTO t VALUES (0)")
    table.run("CREATE TABLE other AS SELECT * FROM t")
    holder = transaction(table, UPDATE, "SELECT SYSTEM$WAIT(60)")
    with ThreadPoolExecutor(8) as pool:
        waiting = list(
            pool.map(lambda _: table.post(UPDATE, query={"async": "true"}), range(20))
        )
    time.sleep(0.5)
    assert table.error(UPDATE) == ("000625", "57014")
    table.run("UPDATE other SET a = a + 1")
    assert table.rows("SELECT a FROM t") == [["0"]]
    assert table.cancel(waiting[0].json()["statementHandle"]).status_code == 200
    table.cancel(holder)
    codes = [ended(table, w.json()["statementHandle"])["code"] for w in waiting]
    assert sorted(codes) == ["000604"] + ["090001"] * 19
    assert ended(table, holder)["code"] == "000604"
    assert table.rows("SELECT a FROM t") == [["19"]]


def test_a_waiting_statement_obeys_its_timeout(table: SnowflakeClient) -> None:
    holder = transaction(table, INSERT, "SELECT SYSTEM$WAIT(60)")
    while table.get(holder).status_code != 202:
        time.sleep(0.02)
    time.sleep(0.3)
    answer = table.post(UPDATE, timeout=1)
    assert (answer.status_code, answer.json()["code"]) == (408, "000630")
    table.cancel(holder)


def test_definitions_wait_for_who_writes(table: SnowflakeClient) -> None:
    holder = transaction(table, INSERT, "SELECT SYSTEM$WAIT(1)")
    time.sleep(0.3)
    table.run("ALTER TABLE t ADD COLUMN b INT")
    assert table.rows("SELECT * FROM t") == [["1", None]]
    assert ended(table, holder)["code"] == "090001"


def test_writers_of_different_tables_run_side_by_side(table: SnowflakeClient) -> None:
    names = [f"u{n}" for n in range(4)]
    for name in names:
        table.run(f"CREATE TABLE {name} (a INT, b VARCHAR(9))")

    def write(name: str) -> None:
        for n in range(8):
            table.run(
                f"MERGE INTO {name} AS t USING (SELECT {n} AS a) AS s ON t.a = s.a "  # noqa: S608 - names of ours
                "WHEN NOT MATCHED THEN INSERT (a, b) VALUES (s.a, 'x')"
            )
            table.run(f"UPDATE {name} SET b = 'y' WHERE a = {n}")  # noqa: S608 - as above
            table.run(f"ALTER TABLE {name} ADD COLUMN c{n} INT")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, names))
    for name in names:
        assert table.value(f"COUNT_IF(b = 'y') FROM {name}") == "8"
