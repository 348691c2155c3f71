"""Everything that the SQL API may answer, played by the sandbox."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import backoff
import pytest
from sandbox.snowflake.control.admin_client import SnowflakeAdmin
from target_snowflake_merge.errors import (
    StatementError,
    StatementTooLargeError,
    TargetError,
)
from target_snowflake_merge.sql_api.auth import KeyPair, OAuthToken, load_private_key
from target_snowflake_merge.sql_api.client import Session, SqlApi, Statement

from sandbox import config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from target_snowflake_merge.sql_api.auth import Authenticator

    from tests.target.conftest import Warehouse


class Snowflake:
    """The sandbox, and clients that sign in to it."""

    def __init__(self, url: str, key: Path) -> None:
        self.admin = SnowflakeAdmin(url)
        self.private_key = load_private_key(key.read_bytes(), None)

    def api(self, token: Authenticator | None = None, timeout: int = 60) -> SqlApi:
        signed = token or KeyPair(config.ACCOUNT, config.USER, self.private_key)
        session = Session(config.DATABASE, config.WAREHOUSE, config.ROLE, timeout)
        return SqlApi(self.admin.url, signed, session, "test")

    def insert(self, number: int) -> Statement:
        """Return a statement that shows how often it ran."""
        sql = f"INSERT INTO FINANCE.PUBLIC.RUNS SELECT {number}"
        return Statement(sql, str(uuid.uuid4()))

    def runs(self) -> list[Any]:
        return [int(row[0]) for row in self.admin.sql("SELECT * FROM PUBLIC.RUNS")[1]]


@pytest.fixture
def snowflake(
    server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Snowflake]:
    monkeypatch.setattr(backoff, "full_jitter", lambda _: 0)
    served = Snowflake(*server)
    served.admin.sql("CREATE OR REPLACE TABLE FINANCE.PUBLIC.RUNS (N NUMBER)")
    served.admin.forget()
    yield served
    served.admin.configure()
    served.admin.forget()


OUTAGES: list[dict[str, Any]] = [
    {"kind": "async"},
    {"kind": "slow", "seconds": 0.3},
    {"kind": "drop"},
    {"kind": "drop", "executes": True},
    {"kind": "drop", "during": True, "seconds": 0.3},
    {"kind": "error", "code": "000625"},
    *({"kind": "status", "status": status} for status in (429, 500, 502, 503, 504)),
    *({"kind": "status", "status": n, "executes": True} for n in (500, 502)),
    {"kind": "status", "status": 500, "during": True, "seconds": 0.3},
    {"kind": "status", "status": 401},
]


@pytest.mark.parametrize("fault", OUTAGES, ids=str)
@pytest.mark.parametrize("polled", [False, True])
def test_a_statement_runs_once(
    snowflake: Snowflake, fault: dict[str, Any], *, polled: bool
) -> None:
    snowflake.admin.configure(sync_seconds=0.05)
    snowflake.admin.fault(contains="INSERT", **fault)
    if polled:
        snowflake.admin.fault("async", method="GET")
        snowflake.admin.fault("drop", method="GET")
        snowflake.admin.fault("status", method="GET", status=429)
        snowflake.admin.fault("status", method="GET", status=503)

    result = snowflake.api().execute(snowflake.insert(1))

    assert result.count("inserted") == 1
    assert snowflake.runs() == [1]
    posts = [sent for sent in snowflake.admin.requests() if sent.method == "POST"]
    assert len({sent.query["requestId"] for sent in posts}) == 1
    resends = ["retry" in sent.query for sent in posts]
    assert resends == [False, True, True][: result.attempts]


def test_a_statement_that_is_lost_runs_once(snowflake: Snowflake) -> None:
    snowflake.admin.fault("async", contains="INSERT")
    snowflake.admin.fault("status", method="GET", status=404, code="000709")

    result = snowflake.api().execute(snowflake.insert(1))

    assert (result.attempts, snowflake.runs()) == (2, [1])


def test_a_full_lock_queue_may_show_in_a_poll(snowflake: Snowflake) -> None:
    snowflake.admin.fault("async", contains="INSERT")
    snowflake.admin.fault("error", method="GET", code="000625")
    # The sandbox has executed it nevertheless, and finds it by its request id.

    result = snowflake.api().execute(snowflake.insert(1))

    assert (result.attempts, snowflake.runs()) == (2, [1])


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop"},
        {"kind": "status", "status": 429, "retry_after": "0"},
        {"kind": "status", "status": 503},
    ],
    ids=str,
)
def test_partitions_are_read_whole(snowflake: Snowflake, fault: dict[str, Any]) -> None:
    snowflake.admin.configure(partition_rows=1)
    for number in (1, 2, 3):
        snowflake.api().execute(snowflake.insert(number))
    snowflake.admin.fault(method="GET", partition=True, times=2, **fault)

    query = Statement("SELECT N FROM PUBLIC.RUNS ORDER BY N", str(uuid.uuid4()))
    rows = snowflake.api().execute(query).rows

    assert rows == [{"N": "1"}, {"N": "2"}, {"N": "3"}]


def test_a_statement_that_takes_too_long_is_cancelled(snowflake: Snowflake) -> None:
    snowflake.admin.fault("slow", seconds=30)

    with pytest.raises(StatementError, match="statement_timeout_seconds") as caught:
        snowflake.api(timeout=1).execute(snowflake.insert(1))

    assert caught.value.code == "000630"
    assert snowflake.runs() == []


@pytest.mark.parametrize(
    ("fault", "error", "sentence"),
    [
        ({"status": 400}, StatementError, "(390142)"),
        ({"status": 413}, StatementTooLargeError, "too large"),
        ({"status": 403}, TargetError, "let the network policy of the user allow"),
        ({"status": 404, "code": "000709"}, TargetError, "404 (000709)"),
        ({"status": 410}, TargetError, "410"),
        ({"status": 422, "code": "090073"}, StatementError, "the resource monitor, w"),
        ({"status": 422, "code": "000603"}, StatementError, "Snowflake's support the"),
    ],
)
def test_definite_answers(
    snowflake: Snowflake, fault: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    snowflake.admin.fault("status", **fault)

    with pytest.raises(TargetError) as caught:
        snowflake.api().execute(snowflake.insert(1))

    assert type(caught.value) is error
    assert sentence in str(caught.value)
    assert len(snowflake.admin.requests()) == 1


def test_a_refused_sign_in_is_explained_after_a_second_try(
    snowflake: Snowflake,
) -> None:
    snowflake.admin.fault("status", status=401, times=2)

    with pytest.raises(TargetError) as caught:
        snowflake.api().execute(snowflake.insert(1))

    sentence = str(caught.value)
    assert "390144" in sentence
    assert "SYSTEM$GET_LOGIN_FAILURE_DETAILS('" in sentence
    assert "check account and user" in sentence
    assert [sent.status for sent in snowflake.admin.requests()] == [401, 401]


def test_an_oauth_token_signs_in(snowflake: Snowflake) -> None:
    snowflake.api(OAuthToken(config.OAUTH_TOKEN)).execute(snowflake.insert(1))

    assert snowflake.runs() == [1]


@pytest.mark.parametrize(
    ("code", "advice"),
    [("390303", "is meant for this account"), ("390318", "get a new oauth_token")],
)
def test_a_refused_oauth_token_is_explained(
    snowflake: Snowflake, code: str, advice: str
) -> None:
    snowflake.admin.fault("status", status=401, code=code)

    with pytest.raises(TargetError) as caught:
        snowflake.api(OAuthToken("hush")).execute(snowflake.insert(1))

    assert code in str(caught.value)
    assert advice in str(caught.value)
    assert "hush" not in str(caught.value)
    assert [sent.status for sent in snowflake.admin.requests()] == [401]


class Clock:
    """The time of this machine, which goes wrong or goes on as a test says."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def test_a_token_that_ends_on_the_way_is_signed_anew(snowflake: Snowflake) -> None:
    clock = Clock()
    clock.ahead = -3_600
    token = KeyPair(config.ACCOUNT, config.USER, snowflake.private_key, clock)
    token.token()
    clock.ahead = -600

    snowflake.api(token).execute(snowflake.insert(1))

    assert snowflake.runs() == [1]


def test_a_token_is_renewed_before_it_ends(snowflake: Snowflake) -> None:
    clock = Clock()
    clock.ahead = -3_300
    api = snowflake.api(
        KeyPair(config.ACCOUNT, config.USER, snowflake.private_key, clock)
    )
    api.execute(snowflake.insert(1))
    clock.ahead = 0

    api.execute(snowflake.insert(2))

    assert [sent.status for sent in snowflake.admin.requests()] == [200, 200]


def test_threads_share_a_client_while_tokens_are_renewed(snowflake: Snowflake) -> None:
    clock = Clock()
    token = KeyPair(config.ACCOUNT, config.USER, snowflake.private_key, clock)
    api = snowflake.api(token)
    for number in (7, 17, 27, 37):
        snowflake.admin.fault("status", status=401, contains=f"SELECT {number} AS")
    snowflake.admin.fault("async", times=20)

    def select(number: int) -> str | None:
        clock.ahead = -number
        if number % 5 == 0:
            token.renew()
        query = Statement(f"SELECT {number} AS N", str(uuid.uuid4()))
        return api.execute(query).rows[0]["N"]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(select, range(60)))

    assert answers == [str(number) for number in range(60)]


SCHEMA = {
    "type": "SCHEMA",
    "stream": "bill",
    "schema": {"properties": {"id": {"type": "integer"}}},
    "key_properties": [],
}
BILLS = [{"type": "RECORD", "stream": "bill", "record": {"id": n}} for n in (1, 2)]


@pytest.mark.parametrize("keys", [[], ["id"]])
def test_a_resend_that_runs_again_loads_once(
    warehouse: Warehouse, keys: list[str]
) -> None:
    warehouse.admin.fault("drop", executes=True, contains="MERGE INTO")
    warehouse.admin.fault("again", contains="MERGE INTO")

    warehouse.loaded({**SCHEMA, "key_properties": keys}, *BILLS)

    assert warehouse.rows('"ID"') == [["1"], ["2"]]


def test_counts_come_from_the_result_where_there_are_no_statistics(
    warehouse: Warehouse,
) -> None:
    warehouse.admin.configure(stats=False)

    run = warehouse.loaded({**SCHEMA, "key_properties": ["id"]}, *BILLS)
    assert "Loaded 2 rows of bill: 2 inserted, 0 updated" in run.log

    run = warehouse.loaded({**SCHEMA, "key_properties": ["id"]}, *BILLS)
    assert "Loaded 2 rows of bill: 0 inserted, 2 updated" in run.log
