"""TIMESTAMP_TZ keeps its offset and compares by its instant."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox.snowflake.engine import macros, timestamp_tz

from sandbox import config

if TYPE_CHECKING:
    from sandbox.snowflake.control.admin_client import SnowflakeAdmin

    from tests.sandbox.conftest import SnowflakeClient

BERLIN = "'2024-03-01T10:00:00.5+02:00'::TIMESTAMP_TZ"
UTC = "'2024-03-01T08:00:00.5Z'::TIMESTAMP_TZ"


@pytest.fixture(scope="module")
def engine() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    connection.execute(f"ATTACH ':memory:' AS {config.DATABASE}")
    connection.execute(f"USE {config.DATABASE}")
    for statement in macros.creation(config.DATABASE):
        connection.execute(statement)
    return connection


instants = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)
offsets = st.integers(-1440, 1440)


@given(one=instants, other=instants, offset=offsets, other_offset=offsets)
def test_the_engine_compares_instants(
    engine: duckdb.DuckDBPyConnection,
    one: int,
    other: int,
    offset: int,
    other_offset: int,
) -> None:
    compared = engine.execute(
        "SELECT a < b, a = b, a = c, hash(a) = hash(c), "
        "_SB_TZ_MICROSECONDS(a), _SB_TZ_OFFSET(a) FROM (SELECT "
        "_SB_TZ_MAKE($one::BIGINT, $offset::BIGINT) AS a, "
        "_SB_TZ_MAKE($other::BIGINT, $other_offset::BIGINT) AS b, "
        "_SB_TZ_MAKE($one::BIGINT, $other_offset::BIGINT) AS c)",
        {
            "one": one,
            "other": other,
            "offset": offset,
            "other_offset": other_offset,
        },
    ).fetchone()
    assert compared == (one < other, one == other, True, True, one, offset)


def test_parts_are_decoded() -> None:
    offset = 120 + timestamp_tz.SHIFT_MINUTES
    days = timestamp_tz.SHIFT_DAYS - timestamp_tz.MONTH_DAYS * offset
    assert timestamp_tz.decode(offset, days + 1, 5) == (timestamp_tz.DAY + 5, 120)


@pytest.fixture
def table(snowflake: SnowflakeClient) -> SnowflakeClient:
    snowflake.run("CREATE TABLE t (k TIMESTAMP_TZ, n INT)")
    snowflake.run(f"INSERT INTO t VALUES ({BERLIN}, 1), ({UTC}, 2)")  # noqa: S608 - literals of ours
    return snowflake


def test_offsets_come_back(table: SnowflakeClient) -> None:
    assert table.rows("SELECT k FROM t ORDER BY n") == [
        ["1709280000.500000000 1560"],
        ["1709280000.500000000 1440"],
    ]
    answer = table.run("SELECT k FROM t")
    assert answer["resultSetMetaData"]["rowType"][0]["type"] == "timestamp_tz"
    assert table.value("MAX(k)::VARCHAR FROM t WHERE n = 1") == (
        "2024-03-01 10:00:00.500 +0200"
    )


def test_instants_are_what_counts(table: SnowflakeClient) -> None:
    assert table.value("COUNT(DISTINCT k) FROM t") == "1"
    assert table.value("COUNT(*) FROM t AS a JOIN t AS b ON a.k = b.k") == "4"
    assert table.rows(
        "SELECT n FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY k ORDER BY n DESC) = 1"
    ) == [["2"]]
    merged = table.run(
        f"MERGE INTO t USING (SELECT {UTC} AS k) AS s ON t.k = s.k AND t.n = 1 "  # noqa: S608 - literals of ours
        "WHEN MATCHED THEN UPDATE SET k = s.k WHEN NOT MATCHED THEN INSERT (k) "
        "VALUES (s.k)"
    )
    assert merged["stats"]["numRowsUpdated"] == 1
    assert table.rows("SELECT DISTINCT k FROM t") == [["1709280000.500000000 1440"]]


@pytest.mark.parametrize(
    "condition",
    [
        "k > '2024-03-01 08:00:00'",
        "k < '2024-03-01 10:00:01'::TIMESTAMP_NTZ",
        "'2024-03-01' < k",
        "k BETWEEN '2024-03-01'::DATE AND CURRENT_TIMESTAMP()",
        "k IN ('2024-03-01 09:00:00.5 +01:00')",
        "COALESCE(k, CURRENT_TIMESTAMP()) < CURRENT_TIMESTAMP()",
        "DATEDIFF('second', k, '2024-03-01 08:00:10.5Z'::TIMESTAMP_TZ) = 10",
        "YEAR(k) = 2024",
        "DATE_TRUNC('day', k) = '2024-03-01'::DATE",
        "TO_CHAR(k, 'YYYY-MM') = '2024-03'",
        "k::DATE = '2024-03-01'",
        "k::TIMESTAMP_LTZ = '2024-03-01 08:00:00.5'::TIMESTAMP_LTZ",
        "k = (SELECT MIN(k) FROM t)",
    ],
)
def test_other_types_meet_it(table: SnowflakeClient, condition: str) -> None:
    assert table.value(f"COUNT(*) FROM t WHERE {condition}") == "2"


def test_its_wall_clock_is_local(table: SnowflakeClient) -> None:
    rows = table.rows("SELECT k::TIMESTAMP_NTZ, k::TIMESTAMP_LTZ FROM t ORDER BY n")
    assert rows == [
        ["1709287200.500000000", "1709280000.500000000"],
        ["1709280000.500000000", "1709280000.500000000"],
    ]


@pytest.mark.parametrize(
    "value",
    ["CURRENT_TIMESTAMP()", "'2024-03-01 10:00:00'", "'2024-03-01'::DATE", "NULL", "?"],
)
def test_other_types_are_stored_in_it(snowflake: SnowflakeClient, value: str) -> None:
    snowflake.run("CREATE TABLE t (n INT, k TIMESTAMP_TZ)")
    binds = ["2024-03-01 10:00:00"] if value == "?" else []
    snowflake.run(f"INSERT INTO t (k) VALUES ({value})", *binds)  # noqa: S608 - literals of ours
    snowflake.run(f"INSERT INTO t SELECT 1, {value} AS x", *binds)
    snowflake.run(f"UPDATE t SET k = {value}", *binds)  # noqa: S608 - literals of ours
    snowflake.run(
        f"MERGE INTO t USING (SELECT 1 AS n, {value} AS v) AS s ON t.n = s.n "
        "WHEN MATCHED THEN UPDATE SET k = s.v",
        *binds,
    )
    shown = snowflake.rows("SELECT k FROM t ORDER BY n")
    assert len(shown) == 2
    assert all((cell is None) == (value == "NULL") for [cell] in shown)
    assert all(cell is None or cell.endswith(" 1440") for [cell] in shown)


def test_a_time_without_offset_is_local(snowflake: SnowflakeClient) -> None:
    [[summer]] = snowflake.rows(
        "SELECT '2024-07-01 00:00:00'::TIMESTAMP_TZ",
        parameters={"timezone": "Europe/Berlin"},
    )
    assert summer == "1719784800.000000000 1560"


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("YYYY-MM", "2024-03"),
        ('YYYY-MM-DD"T"HH24:MI:SS.FF6TZH:TZM', "2024-03-01T10:00:00.500000+02:00"),
        ("FF3 TZHTZM", "500 +0200"),
    ],
)
def test_times_are_spelled(table: SnowflakeClient, model: str, text: str) -> None:
    assert table.value(f"TO_CHAR(k, '{model}') FROM t WHERE n = 1") == text
    assert table.value(f"TO_VARCHAR({BERLIN}, '{model}')") == text


def test_now_is_a_local_time(snowflake: SnowflakeClient) -> None:
    answer = snowflake.run("SELECT CURRENT_TIMESTAMP()")
    assert answer["resultSetMetaData"]["rowType"][0]["type"] == "timestamp_ltz"
    now = dt.datetime.now(dt.UTC).timestamp()
    assert abs(float(answer["data"][0][0]) - now) < 60


def configure(admin: SnowflakeAdmin, **account: str) -> None:
    admin.configure(account=account)


def test_an_account_reads_texts_by_its_formats(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    configure(
        snowflake_admin,
        DATE_INPUT_FORMAT="DD/MM/YYYY",
        TIME_INPUT_FORMAT="HH24.MI",
        TIMESTAMP_INPUT_FORMAT="DD/MM/YYYY HH24:MI:SS TZHTZM",
        BINARY_INPUT_FORMAT="BASE64",
    )
    assert snowflake.rows(
        "SELECT '29/02/2024'::DATE, TO_TIME('10.30'), '/w=='::BINARY, "
        "PARSE_JSON('\"01/03/2024 10:00:00 +0200\"')::TIMESTAMP_TZ, "
        "TO_DATE('2024-02-29', 'YYYY-MM-DD'), '29/02/2024'::DATE::TIMESTAMP_NTZ::DATE, "
        "TRY_TO_DATE('2024-02-29')"
    ) == [
        [
            "19782",
            "37800.000000000",
            "FF",
            "1709280000.000000000 1560",
            "19782",
            "19782",
            None,
        ]
    ]
    assert snowflake.error("SELECT '2024-02-29'::DATE") == ("100096", "22007")
    assert snowflake.error("SELECT '2024-02-29 10:00:00'::TIMESTAMP_NTZ")[1] == "22007"


def test_an_account_says_what_timestamp_means(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    configure(snowflake_admin, TIMESTAMP_TYPE_MAPPING="TIMESTAMP_TZ")
    snowflake.run("CREATE TABLE t (a TIMESTAMP, b DATETIME)")
    types = [row[1] for row in snowflake.rows("DESCRIBE TABLE t")]
    assert types == ["TIMESTAMP_TZ(9)", "TIMESTAMP_NTZ(9)"]
    assert snowflake.value(BERLIN.replace("_TZ", "")) == "1709280000.500000000 1560"


def test_an_account_has_a_time_zone(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    configure(snowflake_admin, TIMEZONE="Asia/Tokyo")
    statement = "SELECT '2024-03-01 00:00:00'::TIMESTAMP_TZ"
    [[own]] = snowflake.rows(statement, parameters={})
    assert own == "1709218800.000000000 1980"
    [[sent]] = snowflake.rows(statement)
    assert sent == "1709251200.000000000 1440"


def test_an_account_may_let_a_merge_choose(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    snowflake.run("CREATE TABLE t AS SELECT 1 AS k, 0 AS v")
    merge = (
        "MERGE INTO t USING (SELECT * FROM VALUES (1, 8), (1, 9)) AS s "
        "ON t.k = s.column1 WHEN MATCHED THEN UPDATE SET v = s.column2"
    )
    assert snowflake.error(merge)[0] == "100090"
    configure(snowflake_admin, ERROR_ON_NONDETERMINISTIC_MERGE="false")
    snowflake.run(merge)
    assert snowflake.rows("SELECT v FROM t")[0][0] in {"8", "9"}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'ff00'::BINARY", "FF00"),
        ("TO_BINARY('/w==', 'BASE64')", "FF"),
        ("TO_BINARY('é', 'UTF-8')", "C3A9"),
        ("TRY_TO_BINARY('xx', 'HEX')", None),
    ],
)
def test_binary_texts(
    snowflake: SnowflakeClient, expression: str, value: str | None
) -> None:
    assert snowflake.value(expression) == value


def test_a_text_that_is_no_binary(snowflake: SnowflakeClient) -> None:
    assert snowflake.error("SELECT 'xx'::BINARY") == ("100115", "22000")
