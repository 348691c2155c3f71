"""MERGE, the statement that the product lives on."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import SnowflakeClient

GUARDED = """
MERGE INTO t AS t USING (
  SELECT * FROM (
    SELECT
      CAST(f.value['record']['ID'] AS VARCHAR) AS "ID",
      CAST(CAST(f.value['record']['AMOUNT'] AS VARCHAR) AS NUMBER(38,9)) AS "AMOUNT",
      TO_TIMESTAMP_TZ(CAST(f.value:"record":"CHANGED" AS VARCHAR),
        'YYYY-MM-DD"T"HH24:MI:SS.FF9TZH:TZM') AS "CHANGED",
      STRIP_NULL_VALUE(f.value:record.LINES) AS "LINES",
      CAST(GET(f.value, 'seq') AS NUMBER(38,0)) AS "SEQ"
    FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) AS f
  ) AS r
  QUALIFY ROW_NUMBER() OVER (PARTITION BY r."ID" ORDER BY r."SEQ" DESC) = 1
) AS s
ON t."ID" = s."ID"
WHEN MATCHED AND (t."SEQ" IS NULL OR s."SEQ" >= t."SEQ")
THEN UPDATE SET "AMOUNT" = s."AMOUNT", "CHANGED" = s."CHANGED",
  "LINES" = s."LINES", "SEQ" = s."SEQ"
WHEN NOT MATCHED THEN INSERT ("ID", "AMOUNT", "CHANGED", "LINES", "SEQ")
VALUES (s."ID", s."AMOUNT", s."CHANGED", s."LINES", s."SEQ")
"""

QUOTED = """
MERGE INTO <table> AS t USING (SELECT 1 AS "GROUP", ? AS "A B") AS s
ON t."GROUP" = s."GROUP"
WHEN MATCHED THEN UPDATE SET "A B" = s."A B"
WHEN NOT MATCHED THEN INSERT ("GROUP", "A B") VALUES (s."GROUP", s."A B")
"""

PLAIN = """
MERGE INTO t USING (
  SELECT f.value:k::INT AS k, f.value:v::VARCHAR AS v
  FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) f
) s ON t.k = s.k
WHEN MATCHED THEN UPDATE SET v = s.v
WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, s.v)
"""


def element(key: str, amount: str, seq: int, lines: str = "[]") -> str:
    record = (
        f'{{"ID":"{key}","AMOUNT":{amount},'
        f'"CHANGED":"2024-05-01T10:00:00.500+02:00","LINES":{lines}}}'
    )
    return f'{{"record":{record},"seq":{seq}}}'


def batch(*elements: str) -> str:
    return "[" + ",".join(elements) + "]"


@pytest.fixture
def guarded(snowflake: SnowflakeClient) -> SnowflakeClient:
    snowflake.run(
        "CREATE TABLE t (ID VARCHAR, AMOUNT NUMBER(38,9), CHANGED TIMESTAMP_TZ, "
        "LINES VARIANT, SEQ NUMBER(38,0))"
    )
    return snowflake


@pytest.fixture
def plain(snowflake: SnowflakeClient) -> SnowflakeClient:
    snowflake.run("CREATE TABLE t (k INT, v VARCHAR)")
    return snowflake


def rows(*pairs: tuple[int | None, str]) -> str:
    return json.dumps([{"k": key, "v": value} for key, value in pairs])


def counts(answer: dict[str, Any]) -> dict[str, str]:
    names = [column["name"] for column in answer["resultSetMetaData"]["rowType"]]
    return dict(zip(names, answer["data"][0], strict=True))


def test_a_batch_of_json_is_merged(guarded: SnowflakeClient) -> None:
    answer = guarded.run(
        GUARDED,
        batch(
            element("a", "12345678901234.5678", 1, '[{"x":0.1}]'),
            element("b", "0.000000001", 1, "null"),
            element("a", "2", 0),
        ),
    )
    assert counts(answer) == {
        "number of rows inserted": "2",
        "number of rows updated": "0",
    }
    assert answer["stats"] == {
        "numRowsInserted": 2,
        "numRowsUpdated": 0,
        "numRowsDeleted": 0,
        "numDuplicateRowsUpdated": 0,
    }
    changed = "1714550400.500000000 1560"
    assert guarded.rows("SELECT * FROM t ORDER BY id") == [
        ["a", "12345678901234.567800000", changed, '[{"x":0.1}]', "1"],
        ["b", "0.000000001", changed, None, "1"],
    ]


def test_the_guard_keeps_the_newer_row(guarded: SnowflakeClient) -> None:
    guarded.run(GUARDED, batch(element("a", "1", 5), element("b", "1", 5)))
    answer = guarded.run(
        GUARDED, batch(element("a", "2", 4), element("b", "2", 6), element("c", "2", 1))
    )
    assert answer["stats"]["numRowsInserted"] == 1
    assert answer["stats"]["numRowsUpdated"] == 1
    assert guarded.rows("SELECT id, amount::INT FROM t ORDER BY 1") == [
        ["a", "1"],
        ["b", "2"],
        ["c", "2"],
    ]


def test_sending_a_batch_again_changes_nothing(guarded: SnowflakeClient) -> None:
    text = batch(element("a", "1", 5), element("b", "1", 5))
    guarded.run(GUARDED, text)
    before = guarded.rows("SELECT * FROM t ORDER BY id")
    guarded.run(GUARDED, text)
    assert guarded.rows("SELECT * FROM t ORDER BY id") == before


def test_two_source_rows_for_one_target_row_are_an_error(
    plain: SnowflakeClient,
) -> None:
    plain.run(PLAIN, rows((1, "old")))
    code = plain.error(PLAIN, rows((1, "a"), (1, "b"), (2, "c")))
    assert code == ("100090", "42P18")
    assert plain.rows("SELECT * FROM t") == [["1", "old"]]


def test_new_source_rows_with_one_key_are_each_inserted(plain: SnowflakeClient) -> None:
    answer = plain.run(PLAIN, rows((1, "a"), (1, "b")))
    assert answer["stats"]["numRowsInserted"] == 2
    assert plain.value("COUNT(*) FROM t") == "2"


def test_null_equals_nothing(plain: SnowflakeClient) -> None:
    for _ in range(2):
        plain.run(PLAIN, rows((None, "a")))
    assert plain.value("COUNT(*) FROM t WHERE k IS NULL") == "2"


def test_rows_deleted_twice_are_no_error(plain: SnowflakeClient) -> None:
    plain.run(PLAIN, rows((1, "a"), (2, "b")))
    answer = plain.run(
        "MERGE INTO t USING (SELECT 1 AS k UNION ALL SELECT 1) AS s ON t.k = s.k "
        "WHEN MATCHED THEN DELETE"
    )
    assert counts(answer) == {"number of rows deleted": "1"}
    assert plain.rows("SELECT * FROM t") == [["2", "b"]]


def test_the_first_clause_that_applies_counts(plain: SnowflakeClient) -> None:
    plain.run(PLAIN, rows((1, "a"), (2, "b"), (3, "c")))
    answer = plain.run(
        "MERGE INTO t USING (SELECT COLUMN1 AS k FROM VALUES (1), (2), (4)) AS s "
        "ON t.k = s.k "
        "WHEN MATCHED AND t.v = 'a' THEN DELETE "
        "WHEN MATCHED THEN UPDATE SET v = t.v || '!' "
        "WHEN NOT MATCHED AND s.k > 100 THEN INSERT VALUES (s.k, 'large') "
        "WHEN NOT MATCHED THEN INSERT VALUES (s.k, 'new')"
    )
    assert list(counts(answer).values()) == ["1", "1", "1"]
    assert plain.rows("SELECT * FROM t ORDER BY k") == [
        ["2", "b!"],
        ["3", "c"],
        ["4", "new"],
    ]


def test_a_merge_that_fails_leaves_nothing(plain: SnowflakeClient) -> None:
    plain.run(PLAIN, rows((1, "a")))
    bad = '[{"k": 1, "v": "changed"}, {"k": "x", "v": "b"}]'
    assert plain.error(PLAIN, bad) == ("100071", "22000")
    assert plain.rows("SELECT * FROM t") == [["1", "a"]]


def test_a_table_is_a_source(plain: SnowflakeClient) -> None:
    plain.run("CREATE TABLE s AS SELECT 1 AS k, 'a'::VARCHAR AS v")
    plain.run(
        "MERGE INTO t USING s ON t.k = s.k "
        "WHEN NOT MATCHED THEN INSERT (v, k) VALUES (s.v, s.k)"
    )
    assert plain.rows("SELECT * FROM t") == [["1", "a"]]


def test_the_other_documented_form_of_flatten(plain: SnowflakeClient) -> None:
    plain.run(
        "MERGE INTO t USING (SELECT f.value:k::INT AS k FROM "
        "(SELECT PARSE_JSON(?) AS a) p, LATERAL FLATTEN(INPUT => p.a) f) s "
        "ON t.k = s.k WHEN NOT MATCHED THEN INSERT (k) VALUES (s.k)",
        rows((1, "a"), (2, "b")),
    )
    assert plain.value("SUM(k) FROM t") == "3"


def test_quoted_and_qualified_names(snowflake: SnowflakeClient) -> None:
    schema = snowflake.context["schema"]
    table = f'"FINANCE"."{schema}"."ORDER"'
    snowflake.run(f'CREATE TABLE {table} ("GROUP" INT, "A B" VARCHAR)')
    for value in ("x", "y"):
        snowflake.run(QUOTED.replace("<table>", table), value, schema=None)
    assert snowflake.rows('SELECT * FROM "ORDER"') == [["1", "y"]]


def test_tables_are_merged_in_parallel(snowflake: SnowflakeClient) -> None:
    tables = [f"t{n}" for n in range(6)]
    for table in tables:
        snowflake.run(f"CREATE TABLE {table} (k INT, v VARCHAR)")
    text = rows(*((n, "x") for n in range(500)))

    def load(table: str) -> str | None:
        statement = PLAIN.replace("MERGE INTO t ", f"MERGE INTO {table} AS t ")
        for _ in range(3):
            snowflake.run(statement, text)
        return snowflake.value(f"COUNT(*) FROM {table}")

    with ThreadPoolExecutor(len(tables)) as threads:
        assert list(threads.map(load, tables)) == ["500"] * len(tables)


def test_other_writers_wait_for_a_transaction(snowflake: SnowflakeClient) -> None:
    snowflake.run("CREATE TABLE t (k INT)")
    snowflake.run("INSERT INTO t VALUES (0)")
    transaction = "BEGIN; UPDATE t SET k = k + 1; UPDATE t SET k = k + 1; COMMIT"
    parameters = {"multi_statement_count": "4"}

    def change(n: int) -> int:
        if n % 2:
            return snowflake.post("UPDATE t SET k = k + 1").status_code
        return snowflake.post(transaction, parameters=parameters).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(change, range(20))) == {200}
    assert snowflake.rows("SELECT k FROM t") == [["30"]]


def test_ten_thousand_rows_are_merged_at_once(guarded: SnowflakeClient) -> None:
    text = batch(*(element(f"key-{n}", f"{n}.1234", 1) for n in range(10_000)))
    for expected in ("numRowsInserted", "numRowsUpdated"):
        assert guarded.run(GUARDED, text)["stats"][expected] == 10_000


STAMPED = """
MERGE INTO "FINANCE"."<schema>"."T" AS t USING (
  SELECT 1 AS "K", CAST('<text>' AS VARCHAR) AS "V",
    TO_TIMESTAMP_NTZ(CAST('2026-05-01T10:00:00' AS VARCHAR)) AS "AT"
) AS s ON t."K" = s."K"
WHEN MATCHED THEN UPDATE SET "V" = s."V", "AT" = s."AT"
WHEN NOT MATCHED THEN INSERT ("K", "V", "AT") VALUES (s."K", s."V", s."AT")
"""


def stamp(snowflake: SnowflakeClient, schema: str, text: str) -> list[list[Any]]:
    merge = STAMPED.replace("<schema>", schema).replace("<text>", text)
    snowflake.run(merge)
    return snowflake.rows(f'SELECT K, V, TO_CHAR(AT) FROM "{schema}"."T"')  # noqa: S608 - the test's own names


def test_a_merge_obeys_what_the_table_has_become(snowflake: SnowflakeClient) -> None:
    """The same text, whose translation depends on the columns that it finds."""
    schema = snowflake.context["schema"]
    found: list[list[list[Any]]] = []
    for kind in ("TIMESTAMP_TZ", "TIMESTAMP_NTZ", "TIMESTAMP_TZ"):
        snowflake.run(f"CREATE OR REPLACE TABLE T (K INT, V VARCHAR, AT {kind})")
        found += stamp(snowflake, schema, "same"), stamp(snowflake, schema, "same")
    zoned = [["1", "same", "2026-05-01 10:00:00.000 +0000"]]
    plain = [["1", "same", "2026-05-01 10:00:00"]]
    assert found == [zoned, zoned, plain, plain, zoned, zoned]


def test_merges_of_one_shape_keep_their_schemas_and_texts(
    snowflake: SnowflakeClient,
) -> None:
    own = snowflake.context["schema"]
    lower = own.lower()
    snowflake.run(f'CREATE SCHEMA "{lower}"')
    for schema in (own, lower):
        snowflake.run(
            f'CREATE TABLE "{schema}"."T" (K INT, V VARCHAR, AT TIMESTAMP_TZ)'
        )
    stamp(snowflake, own, "one")
    [[_, other, _]] = stamp(snowflake, lower, "two")
    [[_, again, _]] = stamp(snowflake, own, "three")
    assert (other, again) == ("two", "three")
    assert snowflake.rows(f'SELECT V FROM "{lower}"."T"') == [["two"]]  # noqa: S608 - as above
    snowflake.run(f'DROP SCHEMA "{lower}"')


def test_a_merge_obeys_the_settings_of_its_request(snowflake: SnowflakeClient) -> None:
    """The same text again, whose translation depends on a parameter."""
    snowflake.run('CREATE TABLE T (D DATE, "d" INT)')
    merge = (
        "MERGE INTO T USING (SELECT TO_DATE('03/04/2026') AS D, 1 AS N) AS s "
        "ON T.D = s.D WHEN NOT MATCHED THEN INSERT (D) VALUES (s.D)"
    )
    for model in ("DD/MM/YYYY", "MM/DD/YYYY", "DD/MM/YYYY"):
        snowflake.run(
            f"ALTER SESSION SET DATE_INPUT_FORMAT = '{model}'; {merge}",
            parameters={"multi_statement_count": "2"},
        )
    assert snowflake.rows("SELECT TO_CHAR(D) FROM T ORDER BY D") == [
        ["2026-03-04"],
        ["2026-04-03"],
    ]


def test_a_merge_that_asks_who_merges_is_told_anew(snowflake: SnowflakeClient) -> None:
    snowflake.run("CREATE TABLE PUBLIC.WHO (S VARCHAR)")
    merge = (
        "MERGE INTO PUBLIC.WHO USING (SELECT CURRENT_SCHEMA() AS S) AS s "
        "ON WHO.S = s.S WHEN NOT MATCHED THEN INSERT (S) VALUES (s.S)"
    )
    own = snowflake.context["schema"]
    try:
        for schema in (own, "PUBLIC", own):
            snowflake.run(merge, schema=schema)
        assert snowflake.rows("SELECT S FROM PUBLIC.WHO ORDER BY S") == sorted(
            [["PUBLIC"], [own]]
        )
    finally:
        snowflake.run("DROP TABLE PUBLIC.WHO")


def test_an_error_of_a_merge_names_what_the_statement_named(
    snowflake: SnowflakeClient,
) -> None:
    own = snowflake.context["schema"]
    merge = (
        f'MERGE INTO "FINANCE"."{own}"."T" AS t USING (SELECT 1 AS k) AS s '
        f'ON t.k = s.k WHEN MATCHED THEN UPDATE SET k = "FINANCE"."{own}"."T".v'
    )
    snowflake.run("CREATE TABLE T (K INT)")
    answer = snowflake.post(merge)
    assert answer.status_code == 422
    assert "\uf8f0" not in answer.json()["message"]
    assert own in answer.json()["message"]
