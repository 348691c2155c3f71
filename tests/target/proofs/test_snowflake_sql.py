"""Whatever the target can send is Snowflake SQL: sqlglot is the judge."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp
from target_snowflake_merge.schema.kinds import INTEGER, TEXT, ColumnType, Kind
from target_snowflake_merge.warehouse import diagnosis, replacement_table, statements
from target_snowflake_merge.warehouse.evolution import Column

from tests.helpers.pinging import ping

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.target.conftest import Warehouse

names = st.text(min_size=1).filter(lambda text: "\x00" not in text)
kinds = st.sampled_from([kind for kind in Kind if kind is not Kind.FOREIGN])
types = st.builds(
    ColumnType,
    kinds,
    length=st.none() | st.integers(1, 16_777_216),
    precision=st.just(38),
    scale=st.integers(0, 37),
)
columns = st.dictionaries(names, types, min_size=1, max_size=8)
olds = st.dictionaries(names, st.builds(Column, types), max_size=8)
numbers = st.integers(0, 2**63)
tables = st.lists(names, min_size=3, max_size=3).map(
    lambda parts: statements.qualified(*parts)
)


@st.composite
def merges(draw: st.DrawFn) -> tuple[str, int]:
    """Return a MERGE, and where its insertion begins."""
    described = draw(columns)
    sources = [
        statements.property_source(name, draw(names), column)
        for name, column in described.items()
    ]
    sources += [
        statements.element_source(statements.SEQUENCE, "sequence", INTEGER),
        statements.constant_source(statements.REQUEST_ID, draw(names), TEXT),
        statements.row_source(),
    ]
    keys = draw(st.lists(st.sampled_from(list(described)), unique=True))
    sql = statements.merge(draw(tables), sources, keys)
    written = [source.name for source in sources]
    return sql, len(sql) - len(statements.insertion(written))


def guarded(merge: tuple[str, int], first_sequence: int) -> str:
    sql, at = merge
    return statements.guarded(sql, at, first_sequence)


STATEMENTS: dict[str, st.SearchStrategy[str]] = {
    "add_column": st.builds(statements.add_column, tables, names, types),
    "create_schema": st.builds(statements.create_schema, names, names),
    "create_table": st.builds(statements.create_table, tables, columns),
    "describe": st.builds(statements.describe, tables),
    "drop_table": st.builds(replacement_table.drop_table, tables),
    "make_alike": st.builds(replacement_table.make_alike, tables, tables),
    "tables_that_begin_with": st.builds(
        replacement_table.tables_that_begin_with, names
    ),
    "count": st.builds(replacement_table.count, tables),
    "make": st.builds(replacement_table.make, tables, tables),
    "move": st.builds(replacement_table.move, tables, tables, columns, olds),
    # sqlglot does not know these words, which have no names in them.
    "replace_table": st.builds(replacement_table.replace_table, tables, tables).map(
        lambda sql: sql.replace(" COPY GRANTS COPY TAGS", "")
    ),
    "delete": st.builds(statements.delete, tables, numbers, numbers),
    "guarded": st.builds(guarded, merges(), numbers),
    "largest_sequence": st.builds(statements.largest_sequence, tables),
    "loads": st.builds(
        statements.loads, tables, st.integers(1, 10**6), by_stream=st.booleans()
    ),
    "mark_deleted": st.builds(statements.mark_deleted, tables, names, numbers, numbers),
    "merge": merges().map(lambda merge: merge[0]),
    "schema_exists": st.builds(statements.schema_exists, names),
    "upsert": columns.flatmap(
        lambda described: st.builds(
            statements.upsert,
            tables,
            st.just(described),
            st.sampled_from(list(described)),
        )
    ),
    "watermarks": st.builds(statements.watermarks, tables),
    "widen_column": st.builds(statements.widen_column, tables, names, types),
    "first_failing": st.lists(
        st.builds(diagnosis.failing_cast, names.map(diagnosis.text), types).filter(
            bool
        ),
        min_size=1,
    ).map(diagnosis.first_failing),
    "first_unreadable": st.just(diagnosis.first_unreadable()),
}

PARTS = {
    *("cast", "identifier", "insertion", "literal", "qualified"),
    *("property_source", "property_sources", "element_source"),
    *("constant_source", "row_source"),
    *("failing_cast", "text", "as_sentence"),
    *("name", "remnants", "reads_increments"),
    *("as_wide", "misfit", "lacking", "widen"),
}
"""Functions that make parts of a statement, or none."""


def check(sql: str) -> None:
    """Refuse what sqlglot does not understand; it falls back in silence."""
    parsed = sqlglot.parse_one(sql, dialect="snowflake")
    assert not list(parsed.find_all(exp.Command)), sql


@pytest.mark.parametrize("name", STATEMENTS)
# The machine has other work.
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_every_statement_is_snowflake_sql(name: str, data: st.DataObject) -> None:
    check(data.draw(STATEMENTS[name]))


def test_no_statement_is_left_out() -> None:
    made: dict[str, Callable[..., Any]] = {}
    for module in (statements, diagnosis, replacement_table):
        made |= {
            name: function
            for name, function in inspect.getmembers(module, inspect.isfunction)
            if function.__module__ == module.__name__ and not name.startswith("_")
        }

    assert set(made) == set(STATEMENTS) | PARTS


def test_everything_that_was_sent_is_snowflake_sql(warehouse: Warehouse) -> None:
    def schema(keys: list[str], **more: Any) -> dict[str, Any]:
        properties = {"id": {"type": "string", "maxLength": 5 + len(more)}, **more}
        return {
            "type": "SCHEMA",
            "stream": "bill" if keys else "event",
            "schema": {"properties": properties},
            "key_properties": keys,
        }

    def record(stream: str, version: int) -> dict[str, Any]:
        content = {"id": "1"}
        kind = {"type": "RECORD", "stream": stream, "version": version}
        return {**kind, "record": content}

    version = {"type": "ACTIVATE_VERSION", "stream": "bill", "version": 2}
    for hard_delete in (False, True):
        warehouse.loaded(
            schema(["id"]),
            record("bill", 1),
            schema(["id"], name={"type": "string"}),
            record("bill", 2),
            version,
            schema([]),
            record("event", 1),
            hard_delete=hard_delete,
        )
    warehouse.admin.fault("error", contains="MERGE INTO", code="100072")
    warehouse.load(schema(["id"]), record("bill", 3))
    assert ping(warehouse)[0] == 0

    sent = {request.statement for request in warehouse.admin.requests()} - {""}
    assert len(sent) > 15
    for sql in sent:
        # sqlglot does not know these, which have no names in them.
        if not sql.startswith("SHOW PARAMETERS"):
            check(sql)
