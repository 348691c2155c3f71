"""Result sets as the SQL API sends them, and as people read them.

The SQL API sends every value as a string: dates as days, times as seconds, timestamps
as seconds with nine decimals, TIMESTAMP_TZ followed by its offset in minutes plus 1440.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa  # type: ignore[import-untyped] # it ships no types

from sandbox.snowflake.engine import timestamp_tz, variants

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.snowflake.engine.context import Outcome

UTC_OFFSET = 1440
"""How TIMESTAMP_TZ spells an offset of zero minutes."""
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECONDS = 1_000_000
NAMES = {
    "BLOB": "binary",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "real",
    "FLOAT": "real",
    "JSON": "variant",
    "TIME": "time",
    "TIMESTAMP": "timestamp_ntz",
    "TIMESTAMP_NS": "timestamp_ntz",
    "TIMESTAMP WITH TIME ZONE": "timestamp_ltz",
    "INTERVAL": "timestamp_tz",
}
INTEGERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$")
DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


def row_type(name: str, engine_type: str) -> dict[str, Any]:
    """Describe a column as ``resultSetMetaData.rowType`` does.

    Args:
        name: The column's name.
        engine_type: DuckDB's type.
    """
    column: dict[str, Any] = {
        "name": name,
        "database": "",
        "schema": "",
        "table": "",
        "nullable": True,
        "type": NAMES.get(engine_type, "text"),
        "byteLength": None,
        "length": None,
        "precision": None,
        "scale": None,
        "collation": None,
    }
    if size := DECIMAL.match(engine_type):
        return column | {
            "type": "fixed",
            "precision": int(size[1]),
            "scale": int(size[2]),
        }
    if INTEGERS.match(engine_type):
        return column | {"type": "fixed", "precision": 38, "scale": 0}
    if column["type"].startswith("time"):
        return column | {"precision": 0, "scale": 9}
    if column["type"] == "text":
        return column | {"byteLength": 16_777_216, "length": 16_777_216}
    return column


def encode(outcome: Outcome, start: int, rows: int) -> list[list[str | None]]:
    """Return a partition of a result as the SQL API sends it.

    Args:
        outcome: The result.
        start: Its first row.
        rows: How many rows at most.
    """
    part = outcome.table.slice(start, rows)
    columns = [
        [None if value is None else encoder(value) for value in _plain(column)]
        for column, encoder in zip(
            part.columns, map(_encoder, outcome.types), strict=True
        )
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def readable(outcome: Outcome) -> list[list[Any]]:
    """Return a result's rows as typed JSON values; decimals and times are texts."""
    columns = [
        [
            None if value is None else _readable(value, engine_type)
            for value in column.to_pylist()
        ]
        for column, engine_type in zip(
            _safe(outcome.table).columns, outcome.types, strict=True
        )
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def _plain(column: pa.ChunkedArray) -> list[Any]:
    """Return values free of Python's limits: times as microseconds, dates as days."""
    if pa.types.is_timestamp(column.type) or pa.types.is_time(column.type):
        return list(column.cast(pa.int64()).to_pylist())
    if pa.types.is_date32(column.type):
        return list(column.cast(pa.int32()).to_pylist())
    return list(column.to_pylist())


def _safe(table: pa.Table) -> pa.Table:
    """Return a table whose times are texts: Python knows no year after 9999."""
    fields = [
        pa.field(f.name, pa.string())
        if pa.types.is_timestamp(f.type) or pa.types.is_date32(f.type)
        else f
        for f in table.schema
    ]
    return table.cast(pa.schema(fields))


def _encoder(engine_type: str) -> Callable[[Any], str]:
    if engine_type in ENCODERS:
        return ENCODERS[engine_type]
    return _number if engine_type.startswith("DECIMAL") else str


def _number(value: Decimal) -> str:
    return f"{value:f}"


def _real(value: float) -> str:
    return repr(value)


def _boolean(value: bool) -> str:  # noqa: FBT001 - the value that is encoded
    return "true" if value else "false"


def _seconds(microseconds: int) -> str:
    sign = "-" if microseconds < 0 else ""
    seconds, fraction = divmod(abs(microseconds), MICROSECONDS)
    return f"{sign}{seconds}.{fraction:06d}000"


def _instant(value: pa.MonthDayNano) -> tuple[int, int]:
    return timestamp_tz.decode(value.months, value.days, value.nanoseconds // 1000)


def _zoned(value: pa.MonthDayNano) -> str:
    microseconds, offset = _instant(value)
    return f"{_seconds(microseconds)} {offset + UTC_OFFSET}"


def _readable_instant(value: pa.MonthDayNano) -> str:
    microseconds, offset = _instant(value)
    local = EPOCH + dt.timedelta(microseconds=microseconds, minutes=offset)
    sign, minutes = "-" if offset < 0 else "+", abs(offset)
    shown = f"{sign}{minutes // 60:02}:{minutes % 60:02}" if offset else "Z"
    # Not by strftime, which writes the year 1 as "1".
    return f"{local.replace(tzinfo=None).isoformat(' ', 'microseconds')}{shown}"


def _hex(value: bytes) -> str:
    return value.hex().upper()


ENCODERS: dict[str, Callable[[Any], str]] = {
    "DOUBLE": _real,
    "FLOAT": _real,
    "BOOLEAN": _boolean,
    "TIME": _seconds,
    "TIMESTAMP": _seconds,
    "TIMESTAMP WITH TIME ZONE": _seconds,
    "INTERVAL": _zoned,
    "BLOB": _hex,
    "JSON": variants.display,
}


def _readable(value: Any, engine_type: str) -> Any:  # noqa: ANN401 - any JSON value
    if engine_type == "JSON":
        return msgspec.Raw(variants.display(value).encode())
    if engine_type == "INTERVAL":
        return _readable_instant(value)
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, bytes):
        return _hex(value)
    return value if isinstance(value, (bool, int, float, str)) else str(value)
