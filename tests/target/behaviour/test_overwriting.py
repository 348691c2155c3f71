"""Overwriting keeps the table that readers, policies and streams know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from target_snowflake_merge.schema.kinds import ColumnType, Kind, described
from target_snowflake_merge.warehouse import evolution, replacement_table
from target_snowflake_merge.warehouse.evolution import Column

from tests.helpers import proxy
from tests.helpers.bills import (
    KEYED,
    OVERWRITE,
    STATE,
    bill,
    ledger,
    tables_aside,
)

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse


ID = {"type": "string"}


def made(warehouse: Warehouse, columns: str) -> str:
    """Make the table as somebody else would; return its qualified name."""
    warehouse.admin.sql(f'CREATE SCHEMA IF NOT EXISTS "{warehouse.schema}"')
    table = f'"FINANCE"."{warehouse.schema}"."BILL"'
    warehouse.admin.sql(f"CREATE TABLE {table} ({columns})")
    return table


def placing(warehouse: Warehouse) -> list[str]:
    """Return the statements that were to put the new rows in their place."""
    sent = [request.statement for request in warehouse.admin.requests()]
    return [s for s in sent if s.startswith(("INSERT OVERWRITE", "CREATE OR REPLACE"))]


def test_the_old_table_stays_the_same_object(warehouse: Warehouse) -> None:
    """Its grants, tags, policies and streams go with another; so do its defaults."""
    table = made(
        warehouse,
        "ID VARCHAR NOT NULL, \"note\" VARCHAR(3), EXTRA VARCHAR DEFAULT 'old', "
        "MORE NUMBER(9, 2) DEFAULT 7, NUMBER NUMBER(5, 0)",
    )
    warehouse.admin.sql(f"INSERT INTO {table} (ID) VALUES ('old')")  # noqa: S608 - the test's own text
    properties = {"id": ID, "note": ID, "number": {"type": "integer"}}
    schema = {**KEYED, "schema": {"properties": properties}}
    record = {"type": "RECORD", "stream": "bill"}
    new = {**record, "record": {"id": "new", "note": "longer", "number": 10**30}}

    run = warehouse.loaded(schema, new, STATE, **OVERWRITE)

    (sql,) = placing(warehouse)
    assert sql.startswith(f"INSERT OVERWRITE INTO {table} (")
    columns = 'ID, "note", NUMBER, EXTRA, MORE'
    assert warehouse.rows(columns) == [["new", "longer", str(10**30), None, None]]
    assert f"columns EXTRA, MORE of table {table} are null now" in run.log
    assert "is replaced" not in run.log
    warehouse.admin.sql(f"INSERT INTO {table} (ID) VALUES ('z')")  # noqa: S608 - as above
    assert warehouse.rows("EXTRA, MORE", order="ID")[1] == ["old", "7.00"]
    assert ledger(warehouse, "KIND, INSERTED")[-1] == ["overwrite", "1"]
    assert tables_aside(warehouse) == []


REPLACED = {
    "ID NUMBER(38, 0)": "column ID is NUMBER(38,0) and is now VARCHAR",
    "ID VARCHAR, NOTE VARIANT": "column NOTE is VARIANT and is now VARCHAR",
    "ID VARCHAR, X NUMBER NOT NULL DEFAULT 0": "column X may not be null, and the str",
    'ID VARCHAR, "note" VARCHAR, "Note" VARCHAR': "several of its columns may be mean",
}


@pytest.mark.parametrize("columns", REPLACED)
def test_a_table_of_other_types_is_replaced(warehouse: Warehouse, columns: str) -> None:
    table = made(warehouse, columns)

    for note in ("first", "second"):
        run = warehouse.loaded(KEYED, bill("a", note), STATE, **OVERWRITE)
        assert warehouse.rows("ID, NOTE") == [["a", note]]
        replaced = f"table {table} is replaced, since {REPLACED[columns]}"
        assert (replaced in run.log) is (note == "first")
        gone = "columns X, which the stream does not have, are gone"
        assert (gone in run.log) is (note == "first" and "X NUMBER" in columns)

    first, second = placing(warehouse)
    assert first.startswith(f"CREATE OR REPLACE TABLE {table} COPY GRANTS COPY TAGS\n")
    assert second.startswith(f"INSERT OVERWRITE INTO {table} (")


def test_a_table_that_is_not_there_gets_the_grants_of_its_schema(
    warehouse: Warehouse,
) -> None:
    """COPY GRANTS would keep future grants from it."""
    warehouse.loaded(KEYED, bill("a"), STATE, **OVERWRITE)
    (sql,) = placing(warehouse)
    table = f'"FINANCE"."{warehouse.schema}"."BILL"'
    assert sql.startswith(f"CREATE OR REPLACE TABLE {table} CLONE ")
    assert "COPY" not in sql


@pytest.mark.parametrize(
    ("privilege", "suffices"), [("OWNERSHIP", True), ("DELETE", False)]
)
def test_overwriting_needs_insert_and_delete(
    warehouse: Warehouse, privilege: str, *, suffices: bool
) -> None:
    warehouse.loaded(KEYED, bill("old"))
    place = f"FINANCE.{warehouse.schema}.BILL"
    warehouse.admin.revoke(privilege, place)
    try:
        run = warehouse.load(KEYED, bill("new"), STATE, **OVERWRITE)
    finally:
        warehouse.admin.grant(privilege, place)
    assert warehouse.rows("ID") == [["new" if suffices else "old"]]
    assert run.states == ([STATE["value"]] if suffices else [])
    assert (run.code == 0) is suffices
    assert suffices or "(003001/42501)" in run.errors[0]


def test_a_resend_overwrites_with_the_same(warehouse: Warehouse) -> None:
    warehouse.loaded(KEYED, bill("old"))
    warehouse.admin.configure(remember_requests=False)
    warehouse.admin.fault("drop", contains="INSERT OVERWRITE", executes=True)
    warehouse.loaded(KEYED, bill("a"), bill("b"), STATE, **OVERWRITE)
    assert len(placing(warehouse)) == 2
    assert warehouse.rows("ID") == [["a"], ["b"]]


def test_rows_that_are_missing_in_the_new_table_keep_the_old_one(
    warehouse: Warehouse,
) -> None:
    """What one session has done might not be there for the next."""
    warehouse.loaded(KEYED, bill("old"))
    changes = {**OVERWRITE, "batch_size_rows": 1}
    with proxy.before(warehouse.admin.url, {1: "hold"}) as between:
        run = warehouse.start(
            KEYED, bill("a"), bill("b"), STATE, host=between.url, **changes
        )
        while len(between.seen) < 2:
            assert run.process.is_alive()
        (new,) = tables_aside(warehouse)
        warehouse.admin.sql(f'DELETE FROM "{warehouse.schema}"."{new}"')  # noqa: S608 - the test's own text
        between.released.set()
        done = run.done()
    assert b"of 2 rows that Snowflake has inserted into table" in done.log
    assert (done.code, done.output) == (1, b"")
    assert warehouse.rows("ID") == [["old"]]


# Pure functions.

OLD = {
    "ID": Column(described("NUMBER(10,0)"), nullable=False),
    "text": Column(described("VARCHAR(9) COLLATE 'en-ci'")),
    "AT": Column(described("TIMESTAMP_TZ(9)")),
    "GONE": Column(described("VARIANT")),
    "SUM": Column(described("NUMBER(38,0)"), is_computed=True),
}
NEW = {
    "ID": ColumnType(Kind.NUMBER),
    "TEXT": ColumnType(Kind.VARCHAR, length=20),
    "AT": ColumnType(Kind.TIMESTAMP_TZ),
    "MORE": ColumnType(Kind.BOOLEAN),
}


def test_rows_are_moved_by_the_names_of_the_old_table() -> None:
    assert replacement_table.misfit(NEW, OLD) == ""
    assert replacement_table.lacking(NEW, OLD) == ["GONE"]
    assert replacement_table.widen("t", NEW, OLD) == [
        'ALTER TABLE t ALTER COLUMN "ID" SET DATA TYPE NUMBER(38,0)',
        "ALTER TABLE t ALTER COLUMN \"text\" SET DATA TYPE VARCHAR(20) COLLATE 'en-ci'",
        'ALTER TABLE t ADD COLUMN IF NOT EXISTS "MORE" BOOLEAN',
    ]
    assert replacement_table.move("t", "n", NEW, OLD) == (
        'INSERT OVERWRITE INTO t ("ID", "text", "AT", "MORE", "GONE")\n'
        'SELECT "ID", "TEXT", "AT", "MORE", NULL\n'
        "FROM n"
    )


def test_a_new_table_is_as_wide_as_the_old_one() -> None:
    """Or a text of 17 MB would never fit, however wide somebody has made the column."""
    old = {
        "A": Column(described("VARCHAR(134217728)")),
        "b": Column(described("NUMBER(38,9)")),
        "C": Column(described("DATE")),
        "d": Column(described("DATE")),
        "D": Column(described("VARCHAR(9)")),
    }
    text, number = (
        ColumnType(Kind.VARCHAR),
        ColumnType(Kind.NUMBER, precision=10, scale=9),
    )
    wanted = {"A": text, "B": number, "C": text, "D": text, "E": text}
    assert replacement_table.as_wide(wanted, old) == {
        **wanted,
        "A": old["A"].type,
        "B": old["b"].type,
    }


@pytest.mark.parametrize(
    ("old", "new", "fits"),
    [
        ("VARCHAR(3)", "VARCHAR", True),
        ("VARCHAR", "VARCHAR(3)", True),
        ("NUMBER(10,9)", "NUMBER(38,9)", True),
        ("NUMBER(38,2)", "NUMBER(38,9)", False),
        ("NUMBER(38,0)", "FLOAT", False),
        ("VARCHAR", "NUMBER(38,0)", False),
        ("VARIANT", "VARCHAR", False),
        ("TIMESTAMP_TZ(9)", "TIMESTAMP_TZ(3)", True),
        ("TIMESTAMP_TZ(3)", "TIMESTAMP_TZ(9)", False),
        ("TIMESTAMP_NTZ(9)", "TIMESTAMP_TZ(9)", False),
        ("TIMESTAMP_TZ(9)", "DATE", False),
        ("GEOGRAPHY", "GEOGRAPHY", False),
        ("ARRAY(NUMBER)", "ARRAY", False),
    ],
)
def test_only_columns_of_one_type_exchange_their_values(
    old: str, new: str, *, fits: bool
) -> None:
    """A cast between two types may depend on the session, or lose digits."""
    reason = replacement_table.misfit(
        {"A": described(new)}, {"A": Column(described(old))}
    )
    assert (reason == "") is fits
    assert fits or reason == f"column A is {described(old)} and is now {described(new)}"


def test_computed_columns_are_told() -> None:
    row = {"name": "A", "type": "NUMBER(38,0)", "null?": "Y", "default": None}
    assert not evolution.read([row])["A"].is_computed
    assert not evolution.read([{**row, "expression": None}])["A"].is_computed
    assert evolution.read([{**row, "expression": "B + 1"}])["A"].is_computed
