"""Bills that are loaded by any method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_snowflake_merge.warehouse import replacement_table

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

KEYED = {
    "type": "SCHEMA",
    "stream": "bill",
    "schema": {
        "type": "object",
        "properties": {"id": {"type": "string"}, "note": {"type": ["string", "null"]}},
    },
    "key_properties": ["id"],
}

STATE = {"type": "STATE", "value": {"bookmarks": {"other": {"at": 1}}}}

OVERWRITE: dict[str, Any] = {"load_method": "overwrite"}


def bill(id_: str, note: str | None = None, **fields: Any) -> dict[str, Any]:
    record = {"id": id_, "note": note}
    return {"type": "RECORD", "stream": "bill", "record": record, **fields}


def ledger(warehouse: Warehouse, columns: str) -> list[Any]:
    return warehouse.rows(columns, "_SDC_LOADS", "STARTED_AT, REQUEST_ID")


def tables_aside(warehouse: Warehouse) -> list[str]:
    _, rows = warehouse.admin.sql(
        "SELECT TABLE_NAME FROM FINANCE.INFORMATION_SCHEMA.TABLES "  # noqa: S608 - the test's own text
        f"WHERE TABLE_SCHEMA = '{warehouse.schema}' "
        f"AND STARTSWITH(TABLE_NAME, '{replacement_table.PREFIX}')"
    )
    return [name for (name,) in rows]
