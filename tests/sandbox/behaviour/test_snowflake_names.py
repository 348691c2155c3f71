"""Names, and what Snowflake says about the objects that have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import config, processes

if TYPE_CHECKING:
    from sandbox.snowflake.control.admin_client import SnowflakeAdmin

    from tests.sandbox.conftest import SnowflakeClient

ODD = [
    "lower",
    "Mixed Case",
    "O'Neil",
    'say "hi"',
    "a.b",
    "a-b",
    "9lives",
    "ORDER",
    "größe ÄÖ",
    "表",
    "a^b~c`d$e%f?g:h;i",
    "{}[]()",
    "x" * 255,
]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize("name", ODD)
def test_any_name_is_kept(snowflake: SnowflakeClient, name: str) -> None:
    table = quoted(name)
    snowflake.run(f"CREATE TABLE {table} ({table} INT, b VARCHAR(2))")
    snowflake.run(
        f"MERGE INTO {table} AS t USING (SELECT 1 AS {table}, 'x' AS b) AS s "  # noqa: S608 - names are quoted
        f"ON t.{table} = s.{table} WHEN NOT MATCHED THEN INSERT ({table}, b) "
        f"VALUES (s.{table}, s.b) WHEN MATCHED THEN UPDATE SET b = s.b"
    )
    other = name[:250] + "2"
    snowflake.run(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {quoted(other)} INT")
    answer = snowflake.run(f"SELECT * FROM {table}")  # noqa: S608 - as above
    shown = [column["name"] for column in answer["resultSetMetaData"]["rowType"]]
    assert shown == [name, "B", other]
    assert answer["data"] == [["1", "x", None]]
    [[described], *_] = snowflake.rows(
        "SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS "
        "WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION",
        snowflake.context["schema"],
        name,
    )
    assert described == name
    assert snowflake.rows("SHOW TABLES")[0][1] == name
    assert snowflake.rows(f"DESCRIBE TABLE {table}")[0][0] == name
    assert snowflake.rows(f"SHOW COLUMNS IN TABLE {table}")[0][2] == name
    too_long = f"INSERT INTO {table} (b) VALUES ('abc')"  # noqa: S608 - as above
    assert snowflake.error(too_long)[0] == "100078"


def test_case_tells_names_apart(snowflake: SnowflakeClient) -> None:
    snowflake.run('CREATE TABLE t ("a" INT, a VARCHAR)')
    snowflake.run('CREATE TABLE "t" (x INT)')
    snowflake.run("INSERT INTO t (\"a\", A) VALUES (1, 'upper')")
    assert snowflake.rows('SELECT "A", "a", a FROM T') == [["upper", "1", "upper"]]
    assert snowflake.rows('SELECT * FROM "t"') == []
    assert snowflake.error('SELECT "x" FROM "t"')[0] == "000904"
    assert snowflake.error('SELECT * FROM "T2"')[0] == "002003"


def test_messages_show_names_as_people_wrote_them(snowflake: SnowflakeClient) -> None:
    message = snowflake.post('SELECT * FROM "no such table"').json()["message"]
    assert "no such table" in message
    snowflake.run('CREATE TABLE "small" (a INT)')
    message = snowflake.post('SELECT "missing" FROM "small"').json()["message"]
    assert "missing" in message


def test_an_account_may_ignore_the_case_of_quoted_names(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake.run('CREATE TABLE t ("lower" INT)')
    snowflake_admin.configure(account={"QUOTED_IDENTIFIERS_IGNORE_CASE": "true"})
    assert snowflake.error('SELECT "lower" FROM t')[0] == "000904"
    snowflake.run('CREATE TABLE "u" ("Mixed" INT, "UPPER" INT)')
    answer = snowflake.run('SELECT "mixed", "upper" AS "Shown" FROM "U"')
    names = [column["name"] for column in answer["resultSetMetaData"]["rowType"]]
    assert names == ["MIXED", "SHOWN"]
    assert snowflake.error('CREATE TABLE x ("a" INT, "A" INT)')[0] != "000000"


def test_schemas_of_odd_names(snowflake: SnowflakeClient) -> None:
    schema = snowflake.context["schema"] + " o'neil-x"
    snowflake.run(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
    snowflake.run(f"CREATE TABLE {quoted(schema)}.t (a INT)")
    assert snowflake.rows("SELECT * FROM t", schema=schema) == []
    [row] = snowflake.rows(f"SHOW TABLES IN SCHEMA {quoted(schema)}")
    assert row[1:4] == ["T", config.DATABASE, schema]
    assert [schema] in snowflake.rows(
        "SELECT SCHEMA_NAME FROM FINANCE.INFORMATION_SCHEMA.SCHEMATA"
    )
    snowflake.run(f"DROP SCHEMA {quoted(schema)}")
    assert snowflake.error("SELECT 1", schema=schema)[0] == "002003"


@pytest.mark.parametrize(
    "again", [("DROP SCHEMA {}", "CREATE SCHEMA {}"), ("CREATE OR REPLACE SCHEMA {}",)]
)
def test_a_schema_takes_the_lengths_of_its_columns_with_it(
    snowflake: SnowflakeClient, again: tuple[str, ...]
) -> None:
    schema = snowflake.context["schema"]
    snowflake.run("CREATE TABLE t (a VARCHAR(3))")
    for statement in again:
        snowflake.run(statement.format(schema), schema="PUBLIC")
    snowflake.run("CREATE TABLE t AS SELECT 'four' AS a")
    assert snowflake.rows("DESCRIBE TABLE t")[0][1] == "VARCHAR(16777216)"


def column(answer: list[list[str]], position: int) -> list[str]:
    return [row[position] for row in answer]


def test_objects_are_listed(snowflake: SnowflakeClient) -> None:
    schema = snowflake.context["schema"]
    snowflake.run("CREATE TABLE t1 (a INT)")
    snowflake.run("CREATE TABLE t2 (a NUMBER(5,2), b VARCHAR(7), c DATE)")
    assert column(snowflake.rows("SHOW TABLES LIKE 't%'"), 1) == ["T1", "T2"]
    assert column(snowflake.rows("SHOW TABLES LIKE '%2' LIMIT 5"), 1) == ["T2"]
    assert column(snowflake.rows(f"SHOW SCHEMAS LIKE '{schema}'"), 1) == [schema]
    assert column(snowflake.rows("SHOW DATABASES"), 1) == [config.DATABASE]
    assert column(snowflake.rows("SHOW WAREHOUSES"), 0) == [config.WAREHOUSE]
    types = column(snowflake.rows("SHOW COLUMNS IN TABLE t2"), 3)
    assert types == [
        '{"type":"FIXED","precision":5,"scale":2,"nullable":true}',
        '{"type":"TEXT","length":7,"byteLength":28,"nullable":true}',
        '{"type":"DATE","nullable":true}',
    ]
    assert snowflake.error("SHOW STREAMS")[0] == "000002"
    assert snowflake.error("DESCRIBE TABLE nope")[0] == "002003"


def test_parameters_are_listed(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake_admin.configure(account={"DATE_INPUT_FORMAT": "DD/MM/YYYY"})
    [row] = snowflake.rows("SHOW PARAMETERS LIKE 'date_in%' IN ACCOUNT")
    assert row[:4] == ["DATE_INPUT_FORMAT", "DD/MM/YYYY", "AUTO", "ACCOUNT"]
    shown = {row[0]: row[1] for row in snowflake.rows("SHOW PARAMETERS IN SESSION")}
    assert shown["TIMEZONE"] == "UTC"
    assert shown["QUOTED_IDENTIFIERS_IGNORE_CASE"] == "false"
    default = snowflake.rows("SHOW PARAMETERS LIKE 'TIMEZONE'", parameters={})
    assert default[0][1] == "America/Los_Angeles"


@pytest.mark.parametrize(
    "setting", [{"NO_SUCH": "x"}, {"TIMEZONE": "Mars"}, {"DATE_INPUT_FORMAT": "MMMM"}]
)
def test_parameters_that_the_sandbox_cannot_obey(
    snowflake_admin: SnowflakeAdmin, setting: dict[str, str]
) -> None:
    with pytest.raises(processes.SandboxError, match=next(iter(setting))):
        snowflake_admin.configure(account=setting)


def test_grants_are_listed(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake.run("CREATE TABLE t (a INT)")
    schema = f"FINANCE.{snowflake.context['schema']}"
    statement = f"SHOW GRANTS ON SCHEMA {snowflake.context['schema']}"
    assert column(snowflake.rows(statement), 0) == ["USAGE", "CREATE TABLE"]
    snowflake_admin.revoke("CREATE", schema)
    snowflake_admin.revoke("WRITE", f"{schema}.T")
    try:
        assert column(snowflake.rows(statement), 0) == ["USAGE"]
        given = snowflake.rows(f"SHOW GRANTS TO ROLE {config.ROLE}")
    finally:
        snowflake_admin.grant("CREATE", schema)
        snowflake_admin.grant("WRITE", f"{schema}.T")
    on_table = [row[0] for row in given if row[2] == f"{schema}.T"]
    assert on_table == ["OWNERSHIP", "SELECT", "DELETE"]
    assert ["USAGE", "WAREHOUSE", config.WAREHOUSE] in [row[:3] for row in given]
    assert snowflake.error("SHOW GRANTS TO ROLE nobody")[0] == "002003"


@pytest.mark.parametrize(
    "statement",
    [
        "USE SCHEMA PUBLIC",
        "USE ROLE LOADER",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "ALTER SESSION SET QUERY_TAG = 'x'",
        "CREATE TEMPORARY TABLE t (a INT)",
    ],
)
def test_what_is_refused_outside_of_several_statements(
    snowflake: SnowflakeClient, statement: str
) -> None:
    assert snowflake.error(statement) == ("000002", "0A000")


def last(client: SnowflakeClient, *statements: str) -> list[list[str]]:
    parameters = {"multi_statement_count": "0", "timezone": "UTC"}
    answer = client.run("; ".join(statements), parameters=parameters)
    rows: list[list[str]] = client.get(answer["statementHandles"][-1]).json()["data"]
    return rows


def test_several_statements_share_a_session(snowflake: SnowflakeClient) -> None:
    schema = snowflake.context["schema"]
    place = "SELECT CURRENT_DATABASE(), CURRENT_SCHEMA()"
    assert last(snowflake, "USE SCHEMA public", place) == [["FINANCE", "PUBLIC"]]
    assert last(snowflake, "USE DATABASE finance", f"USE {schema}", place) == [
        ["FINANCE", schema]
    ]
    moved = last(
        snowflake,
        "ALTER SESSION SET TIMEZONE = 'Asia/Tokyo', QUERY_TAG = 'x'",
        "SHOW PARAMETERS LIKE 'TIMEZONE'",
    )
    assert moved[0][1] == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("statement", "state"),
    [
        ("USE SCHEMA nope", "02000"),
        ("USE DATABASE nope", "02000"),
        ("USE ROLE nope", "02000"),
        ("USE WAREHOUSE nope", "02000"),
        ("ALTER SESSION SET TIMEZONE = 'Mars'", "22023"),
    ],
)
def test_a_session_cannot_become_what_is_not_there(
    snowflake: SnowflakeClient, statement: str, state: str
) -> None:
    parameters = {"multi_statement_count": "2"}
    error = snowflake.error(f"{statement}; SELECT 1", parameters=parameters)
    assert error[1] == state


def described(snowflake: SnowflakeClient) -> list[str]:
    return [row[1] for row in snowflake.rows("DESCRIBE TABLE t")]


def test_describe_tells_decimals_of_seconds_and_collations(
    snowflake: SnowflakeClient,
) -> None:
    table = (
        "t (a TIMESTAMP_NTZ(3), b TIMESTAMP_TZ(0), c TIME(6), d TIMESTAMP_LTZ, "
        "e VARCHAR(5) COLLATE 'en-ci', f VARCHAR COLLATE 'utf8', g VARCHAR(7), "
        "h ARRAY, i OBJECT, j VARIANT)"
    )
    snowflake.run(f"CREATE TABLE {table}")
    snowflake.run("CREATE OR REPLACE TABLE t (a TIME(1))")
    snowflake.run(f"CREATE OR REPLACE TABLE {table}")
    snowflake.run("CREATE TABLE IF NOT EXISTS t (a TIMESTAMP_NTZ(6), z TIME(1))")
    snowflake.run("ALTER TABLE t ADD COLUMN IF NOT EXISTS k TIME(0)")
    snowflake.run("ALTER TABLE t ADD COLUMN IF NOT EXISTS k TIME(3)")
    snowflake.run(
        "ALTER TABLE t ALTER COLUMN e SET DATA TYPE VARCHAR(9) COLLATE 'en-ci'"
    )

    assert described(snowflake) == [
        *("TIMESTAMP_NTZ(3)", "TIMESTAMP_TZ(0)", "TIME(6)", "TIMESTAMP_LTZ(9)"),
        "VARCHAR(9) COLLATE 'en-ci'",
        "VARCHAR(16777216) COLLATE 'utf8'",
        *("VARCHAR(7)", "ARRAY", "OBJECT", "VARIANT", "TIME(0)"),
    ]
    snowflake.run("CREATE TABLE u CLONE t")
    assert snowflake.rows("DESCRIBE TABLE u") == snowflake.rows("DESCRIBE TABLE t")
    comments = snowflake.rows("SELECT COMMENT FROM INFORMATION_SCHEMA.COLUMNS")
    assert {comment for (comment,) in comments} == {None}


def test_a_collation_without_case_makes_texts_equal(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake_admin.configure(account={"DEFAULT_DDL_COLLATION": "en-ci"})
    snowflake.run("CREATE TABLE t (a VARCHAR, b VARCHAR COLLATE '', c INT)")
    snowflake.run("INSERT INTO t VALUES ('x', 'x', 1), ('X', 'X', 2)")

    counted = [
        snowflake.rows(f"SELECT COUNT(*) FROM t WHERE {condition}")[0][0]  # noqa: S608 - the test's own text
        for condition in ("a = 'X'", "b = 'X'", "COLLATE(a, 'utf8') = 'X'")
    ]

    assert described(snowflake)[0] == "VARCHAR(16777216) COLLATE 'en-ci'"
    assert counted == ["2", "1", "1"]
    snowflake.run(
        "MERGE INTO t USING (SELECT 'x' AS a) AS s ON COLLATE(t.a, 'utf8') = s.a "
        "WHEN MATCHED THEN UPDATE SET c = 3"
    )
    assert snowflake.rows("SELECT c FROM t ORDER BY 1") == [["2"], ["3"]]
