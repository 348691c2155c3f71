"""A client of the SQL API that nobody here wrote: snowflake-sql-api, from PyPI.

It knows https only; the transport below takes it to the sandbox, which speaks http.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING

import httpx
import pytest
from snowflake_sql_api import SnowflakeClient as OtherClient
from snowflake_sql_api.exceptions import (
    SnowflakeAuthError,
    SnowflakeForbiddenError,
    SnowflakeProgrammingError,
)
from snowflake_sql_api.retry import RetryPolicy
from typing_extensions import override

from sandbox import config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.snowflake.control.admin_client import SnowflakeAdmin

    from tests.sandbox.conftest import SnowflakeClient


class Plain(httpx.HTTPTransport):
    """Sends a request for an https address by http."""

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http")
        return super().handle_request(request)


@pytest.fixture
def other(snowflake: SnowflakeClient, snowflake_dir: Path) -> Iterator[OtherClient]:
    with (
        httpx.Client(transport=Plain(), timeout=60) as http,
        OtherClient(
            account=config.ACCOUNT.lower(),
            user=config.USER.lower(),
            private_key_path=str(snowflake_dir / config.PRIVATE_KEY_FILE),
            role=config.ROLE,
            warehouse=config.WAREHOUSE,
            database=config.DATABASE,
            schema=snowflake.context["schema"],
            timezone="UTC",
            host=snowflake.url.removeprefix("http://"),
            poll_interval=0.02,
            retry_policy=RetryPolicy(base_backoff=0.01),
            http_client=http,
        ) as client,
    ):
        yield client


def test_it_signs_in_by_key_pair_and_reads_values(other: OtherClient) -> None:
    row = other.query_one(
        "SELECT CURRENT_USER() AS who, 1.50 AS amount, 7 AS number, 1e0 AS ratio, "
        "'2024-02-29'::DATE AS day, '10:11:12.5'::TIME AS at, TRUE AS yes, NULL AS no, "
        "'2024-02-29 10:00:00.25'::TIMESTAMP_NTZ AS local, "
        "'2024-02-29T10:00:00+00:00'::TIMESTAMP_TZ AS instant, "
        "PARSE_JSON('{\"a\": [1, null]}') AS v, ?::VARCHAR AS bound",
        ["it's"],
    )
    assert row == {
        "WHO": config.USER,
        "AMOUNT": Decimal("1.50"),
        "NUMBER": 7,
        "RATIO": 1.0,
        "DAY": dt.date(2024, 2, 29),
        "AT": dt.time(10, 11, 12, 500_000),
        "YES": True,
        "NO": None,
        "LOCAL": dt.datetime(2024, 2, 29, 10, 0, 0, 250_000),  # noqa: DTZ001 - NTZ
        "INSTANT": dt.datetime(2024, 2, 29, 10, tzinfo=dt.UTC),
        "V": {"a": [1, None]},
        "BOUND": "it's",
    }


def test_it_reads_all_partitions(
    other: OtherClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake_admin.configure(partition_rows=30)
    numbers = other.query_column(
        "SELECT f.value::INT FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) f ORDER BY 1",
        [json.dumps(list(range(100)))],
    )
    assert numbers == list(range(100))


def test_it_writes_and_counts(other: OtherClient) -> None:
    other.execute("CREATE TABLE t (a INT, b VARCHAR)")
    assert other.insert_many("T", ["A", "B"], [[1, "x"], [2, None], [3, "z"]]) == 3
    merge = (
        "MERGE INTO t USING (SELECT 1 AS a UNION ALL SELECT 9) AS s ON t.a = s.a "
        "WHEN MATCHED THEN UPDATE SET b = 'y' "
        "WHEN NOT MATCHED THEN INSERT (a) VALUES (s.a)"
    )
    assert other.execute(merge) == 2
    assert other.query_column("SELECT b FROM t ORDER BY a") == ["y", None, "z", None]


def test_it_polls_what_runs_on(other: OtherClient) -> None:
    handle = other.submit("SELECT 42 AS answer")
    assert handle.result() == [{"ANSWER": 42}]


def test_it_resends_what_was_lost(
    other: OtherClient, snowflake_admin: SnowflakeAdmin
) -> None:
    other.execute("CREATE TABLE t (a INT)")
    snowflake_admin.fault("drop", executes=True, contains="INSERT")
    snowflake_admin.fault("status", status=429, contains="INSERT")
    assert other.execute("INSERT INTO t VALUES (1)") == 1
    assert other.query_scalar("SELECT COUNT(*) FROM t") == 1


def test_it_names_what_is_refused(
    other: OtherClient, snowflake_admin: SnowflakeAdmin
) -> None:
    with pytest.raises(SnowflakeProgrammingError) as refused:
        other.query("SELECT missing FROM nowhere")
    assert (refused.value.code, refused.value.sql_state) == ("002003", "02000")
    snowflake_admin.fault("status", status=401)
    with pytest.raises(SnowflakeAuthError):
        other.query("SELECT 1")
    other.role = "NOBODY"
    with pytest.raises(SnowflakeForbiddenError):
        other.query("SELECT 1")
