"""What a table must hold after some messages: a model in a few lines."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from target_snowflake_merge.warehouse.statements import identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sandbox.snowflake.control.admin_client import SnowflakeAdmin

Rows = list[dict[str, Any]]


def contents(lines: Iterable[str]) -> dict[str, tuple[dict[str, Any], Rows]]:
    """Return the properties and the records that each stream ends with."""
    ends: dict[str, tuple[dict[str, Any], Rows]] = {}
    keys: dict[str, list[str]] = {}
    for message in map(json.loads, lines):
        stream = message.get("stream", "")
        if message["type"] == "SCHEMA":
            properties, rows = ends.get(stream, ({}, []))
            more = message["schema"].get("properties", {})
            ends[stream] = ({**properties, **more}, rows)
            keys[stream] = message.get("key_properties", [])
        elif message["type"] == "RECORD" and stream in ends:
            record, rows = message["record"], ends[stream][1]
            if keys[stream]:
                rows[:] = [
                    row
                    for row in rows
                    if any(row[key] != record[key] for key in keys[stream])
                ]
            rows.append(record)
    return ends


def in_files(lines: Iterable[str], folder: Path) -> Iterator[str]:
    """Put the records of messages into the files of BATCH messages."""
    waiting: list[dict[str, Any]] = []
    for number, line in enumerate([*lines, '{"type": "END"}']):
        message = json.loads(line)
        if waiting and (
            message["type"] != "RECORD" or message["stream"] != waiting[0]["stream"]
        ):
            path = folder / f"{number}.jsonl.gz"
            records = [json.dumps(one["record"]) for one in waiting]
            path.write_bytes(gzip.compress("\n".join(records).encode()))
            batch = {
                "type": "BATCH",
                "stream": waiting[0]["stream"],
                "encoding": {"format": "jsonl", "compression": "gzip"},
                "manifest": [path.as_uri()],
            }
            yield json.dumps(batch)
            waiting.clear()
        if message["type"] == "RECORD":
            waiting.append(message)
        elif message["type"] != "END":
            yield line


def stored(
    admin: SnowflakeAdmin, schema: str, stream: str, properties: dict[str, Any]
) -> Rows:
    """Read a stream's table back, as records without their nulls."""
    names = ", ".join(identifier(name.upper()) for name in properties)
    table = f'"FINANCE"."{schema}".{identifier(stream.upper())}'
    _, rows = admin.sql(f"SELECT {names} FROM {table}")  # noqa: S608 - the test's own text
    return [
        {
            name: _value(cell, described)
            for (name, described), cell in zip(properties.items(), row, strict=True)
            if cell is not None
        }
        for row in rows
    ]


def _value(cell: Any, described: dict[str, Any]) -> Any:
    kind = described.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if "integer" in kinds or "number" in kinds:
        return Decimal(cell)
    if isinstance(cell, str) and ("object" in kinds or "array" in kinds):
        return json.loads(cell)
    return cell


def same(some: Rows, others: Rows) -> bool:
    """Compare rows in any order, whatever is null."""

    def shown(rows: Rows) -> list[str]:
        return sorted(
            json.dumps(
                {k: v for k, v in row.items() if v is not None},
                sort_keys=True,
                default=float,
            )
            for row in _plain(rows)
        )

    return shown(some) == shown(others)


def _plain(rows: Rows) -> Rows:
    """Write whole numbers as such: the warehouse tells 1 as 1 and as 1.000000000."""
    return [
        {
            name: int(value)
            if isinstance(value, Decimal) and value == value.to_integral_value()
            else value
            for name, value in row.items()
        }
        for row in rows
    ]
