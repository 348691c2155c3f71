"""Definitions, queries and errors beyond MERGE."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import config

if TYPE_CHECKING:
    from sandbox.snowflake.control.admin_client import SnowflakeAdmin

    from tests.sandbox.conftest import SnowflakeClient

COLUMNS = """
SELECT COLUMN_NAME, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION,
       NUMERIC_SCALE, IS_NULLABLE
FROM "FINANCE".INFORMATION_SCHEMA.COLUMNS
WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION
"""


def columns(client: SnowflakeClient, table: str) -> list[list[str | None]]:
    return client.rows(COLUMNS, client.context["schema"], table)


def test_types_are_described_as_snowflake_does(snowflake: SnowflakeClient) -> None:
    snowflake.run(
        "CREATE TABLE IF NOT EXISTS t (a VARCHAR, b VARCHAR(10) NOT NULL, "
        "c NUMBER(38,9), d NUMBER, e INTEGER, f FLOAT, g BOOLEAN, h DATE, i TIME(9), "
        "j TIMESTAMP_TZ(9), k TIMESTAMP_NTZ, l VARIANT, m BINARY)"
    )
    assert columns(snowflake, "T") == [
        ["A", "TEXT", "16777216", None, None, "YES"],
        ["B", "TEXT", "10", None, None, "NO"],
        ["C", "NUMBER", None, "38", "9", "YES"],
        ["D", "NUMBER", None, "38", "0", "YES"],
        ["E", "NUMBER", None, "38", "0", "YES"],
        ["F", "FLOAT", None, None, None, "YES"],
        ["G", "BOOLEAN", None, None, None, "YES"],
        ["H", "DATE", None, None, None, "YES"],
        ["I", "TIME", None, None, None, "YES"],
        ["J", "TIMESTAMP_TZ", None, None, None, "YES"],
        ["K", "TIMESTAMP_NTZ", None, None, None, "YES"],
        ["L", "VARIANT", None, None, None, "YES"],
        ["M", "BINARY", "8388608", None, None, "YES"],
    ]
    described = snowflake.rows("DESCRIBE TABLE t")
    assert [row[1] for row in described[:4]] == [
        "VARCHAR(16777216)",
        "VARCHAR(10)",
        "NUMBER(38,9)",
        "NUMBER(38,0)",
    ]
    assert len(snowflake.rows("SHOW COLUMNS IN TABLE t")) == 13


def test_insert_overwrite_takes_the_place_of_all_rows(
    snowflake: SnowflakeClient, snowflake_admin: SnowflakeAdmin
) -> None:
    """In one statement: its query reads the old rows, and an error leaves them."""
    snowflake.run("CREATE TABLE t (a INT, b VARCHAR(3) DEFAULT 'b', c TIMESTAMP_TZ(3))")
    snowflake.run("INSERT INTO t (a) VALUES (1), (2)")
    done = snowflake.run("INSERT OVERWRITE INTO t (a, b) SELECT a + 10, NULL FROM t")
    assert done["data"] == [["2"]]
    assert done["stats"]["numRowsInserted"] == 2
    assert snowflake.rows("SELECT a, b FROM t ORDER BY a") == [
        ["11", None],
        ["12", None],
    ]
    too_long = "INSERT OVERWRITE INTO t (b) SELECT 'long' FROM t"
    assert snowflake.error(too_long) == ("100078", "22000")
    for privilege in ("DELETE", "WRITE"):
        place = f"{config.DATABASE}.{snowflake.context['schema']}.T"
        snowflake_admin.revoke(privilege, place)
        refused = snowflake.error("INSERT OVERWRITE INTO t (a) VALUES (3)")
        snowflake_admin.grant(privilege, place)
        assert refused == ("003001", "42501")
    assert snowflake.value("COUNT(*) FROM t") == "2"
    snowflake.run("INSERT OVERWRITE INTO t (a) VALUES (3)")
    assert snowflake.rows("SELECT a, b FROM t") == [["3", "b"]]
    snowflake.run("INSERT OVERWRITE INTO t SELECT * FROM t WHERE FALSE")
    assert snowflake.rows("SELECT a FROM t") == []


def test_a_table_may_replace_another_with_its_types(snowflake: SnowflakeClient) -> None:
    snowflake.run("CREATE TABLE old (a INT)")
    snowflake.run(
        "CREATE TABLE new (a VARCHAR(3), b TIMESTAMP_TZ(3) NOT NULL, c ARRAY)"
    )
    copied = "CREATE OR REPLACE TABLE old COPY GRANTS COPY TAGS AS SELECT * FROM new"
    snowflake.run(copied)
    described = [row[:4:3] + row[1:2] for row in snowflake.rows("DESCRIBE TABLE old")]
    assert described == [
        ["A", "Y", "VARCHAR(3)"],
        ["B", "Y", "TIMESTAMP_TZ(3)"],
        ["C", "Y", "ARRAY"],
    ]
    snowflake.run('CREATE TABLE "COPY GRANTS" CLONE new COPY GRANTS COPY TAGS')
    cloned = snowflake.rows('DESCRIBE TABLE "COPY GRANTS"')
    assert [row[3] for row in cloned] == ["Y", "N", "Y"]


def test_definitions_can_be_repeated(snowflake: SnowflakeClient) -> None:
    for _ in range(2):
        snowflake.run(f"CREATE SCHEMA IF NOT EXISTS {snowflake.context['schema']}")
        snowflake.run("CREATE TABLE IF NOT EXISTS t (a INT)")
        snowflake.run("ALTER TABLE t ADD COLUMN IF NOT EXISTS b VARCHAR(3)")
    assert [row[0] for row in columns(snowflake, "T")] == ["A", "B"]
    assert snowflake.error("CREATE TABLE t (a INT)") == ("002002", "42710")
    assert snowflake.error("ALTER TABLE t ADD COLUMN b INT") == ("001430", "42601")


def test_names_may_hold_apostrophes(snowflake: SnowflakeClient) -> None:
    snowflake.run("""CREATE OR REPLACE TABLE "O'NEIL" ("A'B" VARCHAR(3), c INT)""")
    snowflake.run("""INSERT INTO "O'NEIL" VALUES ('x', 1)""")
    assert snowflake.rows("""SELECT "A'B", c FROM "O'NEIL" """) == [["x", "1"]]
    assert [row[:3] for row in columns(snowflake, "O'NEIL")] == [
        ["A'B", "TEXT", "3"],
        ["C", "NUMBER", None],
    ]
    error = snowflake.error("""INSERT INTO "O'NEIL" VALUES ('xxxx', 1)""")
    assert error == ("100078", "22000")


def test_keys_are_notes_and_are_not_enforced(snowflake: SnowflakeClient) -> None:
    snowflake.run(
        "CREATE TABLE t (a INT PRIMARY KEY, b INT UNIQUE, c INT, "
        "CONSTRAINT x UNIQUE (c), FOREIGN KEY (b) REFERENCES t (a))"
    )
    snowflake.run("INSERT INTO t VALUES (1, 1, 1), (1, 1, 1)")
    assert snowflake.value("COUNT(*) FROM t") == "2"
    code = snowflake.error("INSERT INTO t (b) VALUES (1)")
    assert code == ("100072", "22000")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("VARCHAR(3)", "VARCHAR(10)"),
        ("VARCHAR(3)", "VARCHAR"),
        ("NUMBER(5,2)", "NUMBER(38,2)"),
        ("DATE", "DATE"),
    ],
)
def test_types_that_widen(snowflake: SnowflakeClient, old: str, new: str) -> None:
    snowflake.run(f"CREATE TABLE t (a {old})")
    snowflake.run(f"ALTER TABLE t ALTER COLUMN a SET DATA TYPE {new}")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("VARCHAR(10)", "VARCHAR(3)"),
        ("VARCHAR", "NUMBER"),
        ("NUMBER(5,2)", "NUMBER(5,3)"),
        ("NUMBER(5,2)", "NUMBER(38,0)"),
        ("NUMBER(5,2)", "VARCHAR"),
        ("DATE", "TIMESTAMP_TZ"),
        ("VARIANT", "VARCHAR"),
    ],
)
def test_types_that_cannot_change(
    snowflake: SnowflakeClient, old: str, new: str
) -> None:
    snowflake.run(f"CREATE TABLE t (a {old})")
    code = snowflake.error(f"ALTER TABLE t ALTER COLUMN a SET DATA TYPE {new}")
    assert code == ("002108", "22000")


def test_texts_longer_than_their_column_are_refused(
    snowflake: SnowflakeClient,
) -> None:
    snowflake.run("CREATE TABLE t (a INT, b VARCHAR(3))")
    assert snowflake.error("INSERT INTO t VALUES (1, 'abcd')") == ("100078", "22000")
    snowflake.run("INSERT INTO t VALUES (1, 'äöü')")
    assert snowflake.error("UPDATE t SET b = 'abcd'") == ("100078", "22000")
    snowflake.run("ALTER TABLE t ALTER COLUMN b SET DATA TYPE VARCHAR(4)")
    snowflake.run("UPDATE t SET b = 'abcd'")
    assert snowflake.rows("SELECT b FROM t") == [["abcd"]]


def test_swapped_tables_keep_their_rows_and_lengths(snowflake: SnowflakeClient) -> None:
    snowflake.run("CREATE TABLE t (a VARCHAR(1))")
    snowflake.run("CREATE TABLE u (a VARCHAR(9), b INT)")
    snowflake.run("INSERT INTO u VALUES ('new', 1)")
    snowflake.run("ALTER TABLE t SWAP WITH u")
    assert snowflake.rows("SELECT * FROM t") == [["new", "1"]]
    assert columns(snowflake, "T")[0][2] == "9"
    assert columns(snowflake, "U")[0][2] == "1"
    assert snowflake.error("ALTER TABLE t SWAP WITH nope")[0] == "002003"


def test_a_clone_takes_the_place_of_a_table(snowflake: SnowflakeClient) -> None:
    """The form of Snowflake's documentation, with COPY GRANTS at the end."""
    snowflake.run("CREATE TABLE t (old VARCHAR(1))")
    snowflake.run("CREATE TABLE u (a VARCHAR(9), b INT NOT NULL)")
    snowflake.run("INSERT INTO u VALUES ('new', 1)")
    snowflake.run("CREATE OR REPLACE TABLE t CLONE u COPY GRANTS")
    snowflake.run("CREATE TABLE IF NOT EXISTS v CLONE u")
    snowflake.run("DELETE FROM u")
    snowflake.run("CREATE TABLE IF NOT EXISTS v CLONE u")
    snowflake.run("DROP TABLE u")
    for table in "TV":
        assert snowflake.rows(f"SELECT * FROM {table}") == [["new", "1"]]  # noqa: S608 - the test's own text
        assert [row[:3] for row in columns(snowflake, table)] == [
            ["A", "TEXT", "9"],
            ["B", "NUMBER", None],
        ]
        assert snowflake.error(f"INSERT INTO {table} VALUES ('x', NULL)")[1] == "22000"  # noqa: S608 - the test's own text
    missing = snowflake.error("CREATE OR REPLACE TABLE t CLONE u COPY GRANTS")
    assert missing == ("002003", "02000")
    assert snowflake.rows("SELECT a FROM t") == [["new"]]


def test_tables_can_be_renamed_copied_and_dropped(snowflake: SnowflakeClient) -> None:
    snowflake.run("CREATE TABLE t AS SELECT 1::NUMBER(5,2) AS a, 'x'::VARCHAR(4) AS b")
    snowflake.run("CREATE TABLE copy CLONE t")
    snowflake.run("CREATE TABLE empty LIKE t")
    snowflake.run("ALTER TABLE t RENAME TO u")
    snowflake.run("ALTER TABLE u DROP COLUMN b")
    assert snowflake.rows("SELECT * FROM u") == [["1.00"]]
    assert snowflake.rows("SELECT * FROM copy") == [["1.00", "x"]]
    assert snowflake.rows("SELECT * FROM empty") == []
    snowflake.run("DROP TABLE u")
    snowflake.run("DROP TABLE IF EXISTS u")
    assert snowflake.error("DROP TABLE u") == ("002003", "02000")


def test_changes_are_counted(snowflake: SnowflakeClient) -> None:
    snowflake.run("CREATE TABLE t (a INT, b VARIANT)")
    stats = {
        statement: snowflake.run(statement)["stats"]
        for statement in (
            "INSERT INTO t SELECT column1, NULL FROM VALUES (1), (2), (3)",
            "UPDATE t SET a = a + 10 WHERE a > 1",
            "DELETE FROM t WHERE a = 1",
        )
    }
    assert [list(s.values())[:3] for s in stats.values()] == [
        [3, 0, 0],
        [0, 2, 0],
        [0, 0, 1],
    ]
    snowflake.run("TRUNCATE TABLE t")
    assert snowflake.value("COUNT(*) FROM t") == "0"


def test_the_integers_have_38_digits(snowflake: SnowflakeClient) -> None:
    snowflake.run("CREATE TABLE t (a INT, b NUMBER(38,0))")
    large = "99999999999999999999999999999999999999"
    snowflake.run("INSERT INTO t SELECT ?, ?", large, "-" + large)
    assert snowflake.rows("SELECT * FROM t") == [[large, "-" + large]]


@pytest.mark.parametrize(
    ("statement", "code", "state"),
    [
        ("SELEC 1", "001003", "42000"),
        ("SELECT * FROM t WHERE", "001003", "42000"),
        ("SELECT 'open", "001003", "42000"),
        ("SELECT missing FROM t", "000904", "42000"),
        ("SELECT t.missing FROM t", "000904", "42000"),
        ("INSERT INTO t (missing) VALUES (1)", "000904", "42000"),
        ("UPDATE t SET missing = 1", "000904", "42000"),
        ("ALTER TABLE t ALTER COLUMN missing SET DATA TYPE INT", "000904", "42000"),
        ("SELECT * FROM missing", "002003", "02000"),
        ("SELECT * FROM FINANCE.MISSING.t", "002003", "02000"),
        ("CREATE TABLE missing.t (a INT)", "002003", "02000"),
        ("INSERT INTO missing VALUES (1)", "002003", "02000"),
        ("TRUNCATE TABLE missing", "002003", "02000"),
        ("ALTER TABLE missing ADD COLUMN a INT", "002003", "02000"),
        ("DELETE FROM missing", "002003", "02000"),
        ("MERGE INTO m USING t ON TRUE WHEN MATCHED THEN DELETE", "002003", "02000"),
        ("SELECT NO_SUCH_FUNCTION(1)", "002140", "42601"),
        ("PRAGMA version", "000002", "0A000"),
        ("ATTACH 'x.db'", "001003", "42000"),
        ("CALL f()", "000002", "0A000"),
        ("SELECT * FROM read_csv('/etc/hosts')", "001003", "42000"),
        ("SELECT * FROM duckdb_tables()", "001003", "42000"),
        ("COPY (SELECT 1) TO 'x.csv'", "000002", "0A000"),
        ("ALTER WAREHOUSE w SUSPEND", "000002", "0A000"),
        ("ALTER TABLE t NO SUCH ACTION", "000002", "0A000"),
        ("/* nothing */", "000900", "42601"),
    ],
)
def test_refused_statements(
    snowflake: SnowflakeClient, statement: str, code: str, state: str
) -> None:
    snowflake.run("CREATE TABLE t (a INT)")
    assert snowflake.error(statement) == (code, state)


def test_a_statement_without_a_database(snowflake: SnowflakeClient) -> None:
    nowhere = {"database": None, "schema": None}
    assert snowflake.error("SELECT * FROM t", **nowhere) == ("090105", "22000")
    assert snowflake.rows("SELECT 1", **nowhere) == [["1"]]


@pytest.fixture
def bills(snowflake: SnowflakeClient) -> SnowflakeClient:
    snowflake.run("CREATE TABLE bills (nbr VARCHAR, vendor VARCHAR, details VARIANT)")
    snowflake.run("CREATE TABLE vendors (id VARCHAR, name VARCHAR)")
    snowflake.run("INSERT INTO vendors VALUES ('V1', 'Ångström'), ('V2', 'Bolt')")
    for number, vendor, details in (
        ("1", "V1", '[{"Account":"4000","Amount":0.10},{"Account":"5000","Amount":1}]'),
        ("2", "V2", '[{"Account":"4000","Amount":0.20}]'),
        ("3", "V2", "[]"),
    ):
        snowflake.run(
            "INSERT INTO bills SELECT ?, ?, PARSE_JSON(?)", number, vendor, details
        )
    return snowflake


def test_lines_are_summed_out_of_a_variant(bills: SnowflakeClient) -> None:
    rows = bills.rows(
        'SELECT d.value:"Account"::string, SUM(d.value:"Amount"::number(38,4)) '
        "FROM BILLS, LATERAL FLATTEN(INPUT => DETAILS) d GROUP BY 1 ORDER BY 1"
    )
    assert rows == [["4000", "0.3000"], ["5000", "1.0000"]]


def test_lines_joined_with_other_tables(bills: SnowflakeClient) -> None:
    rows = bills.rows(
        "SELECT v.name, COUNT(DISTINCT b.nbr) AS bills, "
        "SUM(line.value:Amount::NUMBER(38, 2)) AS amount "
        "FROM bills AS b, LATERAL FLATTEN(INPUT => b.details) AS line "
        "JOIN vendors AS v ON v.id = b.vendor "
        "GROUP BY 1 ORDER BY amount DESC LIMIT 1"
    )
    assert rows == [["Ångström", "1", "1.10"]]


def test_outer_flatten_keeps_rows_without_lines(bills: SnowflakeClient) -> None:
    flatten = "SELECT b.nbr, f.index, f.path FROM bills b, LATERAL FLATTEN(INPUT => "
    inner = bills.rows(flatten + "b.details) f ORDER BY 1, 2")
    assert inner == [["1", "0", "[0]"], ["1", "1", "[1]"], ["2", "0", "[0]"]]
    outer = bills.rows(flatten + "b.details, OUTER => TRUE) f ORDER BY 1, 2")
    assert outer == [*inner, ["3", None, None]]


def test_flatten_reads_objects_and_paths(snowflake: SnowflakeClient) -> None:
    document = '{"a": {"x": 1, "y": "z"}}'
    statement = (
        "SELECT f.key, f.index, f.value::VARCHAR FROM "
        "TABLE(FLATTEN(INPUT => PARSE_JSON(?), PATH => 'a')) f ORDER BY 1"
    )
    assert snowflake.rows(statement, document) == [["x", None, "1"], ["y", None, "z"]]
    assert snowflake.rows(statement, '{"b": 1}') == []
    assert snowflake.error(statement.replace("PATH => 'a'", "RECURSIVE => TRUE"), "{}")[
        0
    ] == ("000002")


def test_a_table_function_needs_no_schema(snowflake: SnowflakeClient) -> None:
    statement = "SELECT f.index FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) f"

    assert snowflake.rows(statement, "[1]", schema=None) == [["0"]]
    assert snowflake.error("SELECT * FROM t", schema=None)[0] == "090106"


def test_two_columns_of_one_name(snowflake: SnowflakeClient) -> None:
    answer = snowflake.run("SELECT 1 AS a, 2 AS a, $1 FROM VALUES (7)")
    names = [column["name"] for column in answer["resultSetMetaData"]["rowType"]]
    assert names == ["A", "A", "$1"]
    assert answer["data"] == [["1", "2", "7"]]
