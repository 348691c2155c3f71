"""The history of statements, by query tag."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import pytest

from sandbox import config

if TYPE_CHECKING:
    from sandbox.snowflake.control.admin_client import SnowflakeAdmin

    from tests.sandbox.conftest import SnowflakeClient

SOURCES = (
    "TABLE(INFORMATION_SCHEMA.QUERY_HISTORY())",
    "TABLE(FINANCE.INFORMATION_SCHEMA.QUERY_HISTORY_BY_USER(RESULT_LIMIT => 100))",
    "SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY",
)
COLUMNS = "QUERY_ID, QUERY_TEXT, EXECUTION_STATUS, ERROR_CODE"


def history(client: SnowflakeClient, source: str, tag: str) -> list[list[str]]:
    return client.rows(
        f"SELECT {COLUMNS} FROM {source} WHERE QUERY_TAG = ? ORDER BY START_TIME",  # noqa: S608 - ours
        tag,
    )


@pytest.mark.parametrize("source", SOURCES)
def test_a_tag_leads_to_its_statements(snowflake: SnowflakeClient, source: str) -> None:
    tag = json.dumps({"request": str(uuid.uuid4())})
    parameters = {"query_tag": tag}
    good = snowflake.run("CREATE TABLE t (a INT)", parameters=parameters)
    bad = snowflake.post("SELECT * FROM nope", parameters=parameters).json()
    assert history(snowflake, source, tag) == [
        [good["statementHandle"], "CREATE TABLE t (a INT)", "SUCCESS", None],
        [bad["statementHandle"], "SELECT * FROM nope", "FAILED_WITH_ERROR", "002003"],
    ]


def test_it_tells_where_and_when(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    tag = str(uuid.uuid4())
    snowflake.run("SELECT SYSTEM$WAIT(0.2)", parameters={"query_tag": tag})
    _, [row] = snowflake_admin.sql(
        "SELECT h.query_type, h.user_name, h.role_name, h.warehouse_name, "  # noqa: S608 - ours
        "h.database_name, h.schema_name, h.total_elapsed_time >= 200, "
        f"h.start_time < h.end_time FROM {SOURCES[0]} AS h WHERE query_tag = '{tag}'"
    )
    assert row == [
        "SELECT",
        config.USER,
        config.ROLE,
        config.WAREHOUSE,
        config.DATABASE,
        snowflake.context["schema"],
        True,
        True,
    ]


def test_each_of_several_statements_is_in_it(snowflake: SnowflakeClient) -> None:
    tag = str(uuid.uuid4())
    answer = snowflake.run(
        f"ALTER SESSION SET QUERY_TAG = '{tag}'; SELECT 1; SELECT 2",
        parameters={"multi_statement_count": "3"},
    )
    found = history(snowflake, SOURCES[0], tag)
    assert [row[0] for row in found] == answer["statementHandles"][1:]
