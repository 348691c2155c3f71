"""The documents say what is sent, which types there are, and what each code means."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from target_snowflake_merge.schema.column_types import column_type
from target_snowflake_merge.schema.kinds import Kind
from target_snowflake_merge.sql_api.responses import ADVICE
from target_snowflake_merge.warehouse.ledger import COLUMNS

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

DOCUMENTS = Path(__file__).parents[3] / "docs" / "target"
BLOCK = re.compile(r"<!-- sent: [\w ]+ -->\n```sql\n(.*?)\n```", re.DOTALL)
PLACES = re.compile(r"\"S\d+\"|'[0-9a-f]{8}-[^']*'")
"""What differs from run to run: the schema, and the request id."""


def cells(document: str) -> set[str]:
    """Return what stands in the first column of a document's tables."""
    rows = re.findall(r"^\| (.*?) \|", (DOCUMENTS / document).read_text(), re.MULTILINE)
    return {cell.strip("`") for row in rows for cell in row.split(", ")}


def test_troubleshooting_has_each_code_that_there_is_advice_for() -> None:
    assert ADVICE.keys() - cells("troubleshooting.md") == set()


def test_the_table_of_the_ledger_has_each_column() -> None:
    assert COLUMNS.keys() - cells("journal.md") == set()


def plain(sql: str) -> str:
    """Return a statement whose white space, schema and request id do not matter."""
    same = PLACES.sub(lambda m: '"ERP"' if m[0][0] == '"' else "'6b9c4a52-…'", sql)
    return " ".join(same.split())


def bills(length: int | None = None, **record: Any) -> list[dict[str, Any]]:
    properties: dict[str, Any] = {
        "id": {"type": "string"},
        "amount": {"type": "number"},
        "due": {"type": "string", "format": "date"},
        "lines": {"type": "array"},
    }
    if length:
        properties["note"] = {"type": "string", "maxLength": length}
    schema = {
        "type": "SCHEMA",
        "stream": "bill",
        "schema": {"properties": properties},
        "key_properties": ["id"],
    }
    message = {"type": "RECORD", "stream": "bill", "record": record}
    return [schema, *([message] if record else [])]


TYPES = re.compile(r"\| JSON Schema \| new column .*?\n\|[-|]+\n(.*?)\n\n", re.DOTALL)


def text(**more: Any) -> dict[str, Any]:
    return {"type": ["null", "string"], **more}


MOMENT, WORD = text(format="date-time"), text()
EXAMPLES: dict[str, list[tuple[dict[str, Any], str]]] = {
    "`string`": [(WORD, "VARCHAR"), (text(maxLength=5), "VARCHAR(5)")],
    "`string` with format `date-time`": [(MOMENT, "TIMESTAMP_TZ(9)")],
    "`string` with format `date`": [(text(format="date"), "DATE")],
    "`string` with format `time`": [(text(format="time"), "TIME(9)")],
    "`string`, in `anyOf` with and without such a format": [
        ({"anyOf": [MOMENT, WORD]}, "VARCHAR")
    ],
    "`string` with format `singer.decimal` or `x-singer.decimal`": [
        (text(format="x-singer.decimal", precision=18, scale=2), "NUMBER(18,2)"),
        (text(format="singer.decimal"), "NUMBER(38,9)"),
    ],
    "`string` with any other format, `uuid`, `binary`, `contentEncoding`": [
        (text(format="uuid"), "VARCHAR"),
        (text(contentEncoding="base64"), "VARCHAR"),
    ],
    "`integer`": [({"type": "integer"}, "NUMBER(38,0)")],
    "`number`": [
        ({"type": "number"}, "NUMBER(38,9)"),
        ({"type": "number", "multipleOf": 1e-37, "maximum": 9}, "NUMBER(38,37)"),
        ({"type": "number", "multipleOf": 1e-38}, "NUMBER(38,9)"),
    ],
    "`number` without `multipleOf`, with `number_type: FLOAT`": [
        ({"type": "number"}, "FLOAT")
    ],
    "`boolean`": [({"type": "boolean"}, "BOOLEAN")],
    "objects, arrays": [({"type": ["object", "array"]}, "VARIANT")],
    "mixed types, no type": [
        ({"type": ["string", "integer"]}, "VARIANT"),
        ({}, "VARIANT"),
    ],
}
"""Schemas that each row of the table means, and their columns."""


def test_the_table_of_types_is_true() -> None:
    [table] = TYPES.findall((DOCUMENTS / "types.md").read_text("utf-8"))
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()]
    assert [row[0] for row in rows] == list(EXAMPLES)
    for schema, column, *_ in rows:
        number = Kind.FLOAT if "FLOAT" in schema else Kind.NUMBER
        for example, sql in EXAMPLES[schema]:
            assert str(column_type(example, number=number)) == sql
            assert re.sub(r"\(.*", "", sql) in column, (schema, sql)


@pytest.fixture
def sent(warehouse: Warehouse) -> set[str]:
    first = bills(id="1", amount=1, due="2026-03-31", lines=[])
    for messages in (first, bills(20), bills(40)):
        warehouse.loaded(*messages, add_record_metadata=False)
    return {plain(request.statement) for request in warehouse.admin.requests()}


def test_the_readme_shows_what_is_sent(sent: set[str]) -> None:
    shown = BLOCK.findall((DOCUMENTS / "statements.md").read_text("utf-8"))
    assert len(shown) == 4
    for sql in shown:
        assert plain(sql) in sent, sql
