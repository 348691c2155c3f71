"""The SQL in the README is the SQL that is sent."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

README = Path(__file__).parents[2] / "target-snowflake-merge" / "README.md"
BLOCK = re.compile(r"<!-- sent: [\w ]+ -->\n```sql\n(.*?)\n```", re.DOTALL)
PLACES = re.compile(r"\"S\d+\"|'[0-9a-f]{8}-[^']*'")
"""What differs from run to run: the schema, and the request id."""


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


@pytest.fixture
def sent(warehouse: Warehouse) -> set[str]:
    first = bills(id="1", amount=1, due="2026-03-31", lines=[])
    for messages in (first, bills(20), bills(40)):
        warehouse.loaded(*messages, add_record_metadata=False)
    return {plain(request.statement) for request in warehouse.admin.requests()}


def test_the_readme_shows_what_is_sent(sent: set[str]) -> None:
    shown = BLOCK.findall(README.read_text("utf-8"))
    assert len(shown) == 4
    for sql in shown:
        assert plain(sql) in sent, sql
