"""Tables that were there before, and their types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

NUMBER = {"type": ["number", "null"]}

WHOLE = {"type": ["integer", "null"]}

MOMENT = {"type": ["string", "null"], "format": "date-time"}

ANYTHING: dict[str, Any] = {}

TREE = {"type": ["object", "null"]}


def made(warehouse: Warehouse, columns: str, name: str = '"BILL"') -> str:
    """Make a table, and its schema; return its name."""
    schema_name = f'"FINANCE"."{warehouse.schema}"'
    warehouse.admin.sql(f"CREATE SCHEMA IF NOT EXISTS {schema_name}")
    warehouse.admin.sql(f"CREATE TABLE {schema_name}.{name} ({columns})")
    return f"{schema_name}.{name}"


def types(warehouse: Warehouse, table: str = "BILL") -> dict[str, str]:
    place = f'"FINANCE"."{warehouse.schema}"."{table}"'
    _, rows = warehouse.admin.sql(f"DESCRIBE TABLE {place}")
    return {row[0]: row[1] for row in rows if not row[0].startswith("_SDC_")}
