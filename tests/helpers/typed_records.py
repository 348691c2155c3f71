"""Messages of one stream whose properties have types."""

from __future__ import annotations

from typing import Any


def schema(properties: dict[str, Any], *keys: str, stream: str = "bill") -> Any:
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"type": "object", "properties": properties},
        "key_properties": keys,
    }


def record(stream: str = "bill", extracted: str | None = None, **values: Any) -> Any:
    message = {"type": "RECORD", "stream": stream, "record": values}
    return message | ({"time_extracted": extracted} if extracted else {})


ID = {"type": "string"}

TEXT = {"type": ["string", "null"]}
